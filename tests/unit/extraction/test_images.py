import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from tests.unit.extraction.reading import KeptReport, task_for

from processor.stages.errors import DecompressionLimitError, UnreadableDocumentError
from processor.stages.extract import extract
from processor.stages.task import DocumentLimits
from processor.stages.validate import validate


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no data."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_picture_is_one_page_the_right_way_up(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    picture = Image.new("RGB", (800, 400), "red")
    exif = picture.getexif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Camera"
    picture.save(path, exif=exif)
    report = KeptReport()

    result = extract(task_for(path), report)

    (page,) = report.kept_pages()
    assert (page.text, page.width, page.height) == ("", 400, 800)
    assert result.metadata["exif"]["Make"] == "Camera"
    assert result.thumbnail is not None
    assert Image.open(BytesIO(result.thumbnail)).size == (160, 320)


@pytest.mark.parametrize(
    ("mode", "shades", "suffix"),
    [
        ("I;16", (0x0FFF, 0x7FFF, 0xFFFF), "png"),
        ("I;16", (0x0FFF, 0x7FFF, 0xFFFF), "tif"),
        ("I;16B", (0x0FFF, 0x7FFF, 0xFFFF), "tif"),
        ("I", (-70_000, 0, 70_000), "tif"),
        ("F", (0.0, 0.5, 1.0), "tif"),
    ],
)
def test_thumbnails_have_all_shades(
    tmp_path: Path, mode: str, shades: tuple[float, ...], suffix: str
) -> None:
    picture = Image.new(mode[0], (300, 100))
    for number, shade in enumerate(shades):
        picture.paste(shade, (100 * number, 0, 100 * number + 100, 100))
    picture.convert(mode).save(tmp_path / f"a.{suffix}")

    result = extract(task_for(tmp_path / f"a.{suffix}"), KeptReport())

    assert result.thumbnail is not None
    shown = Image.open(BytesIO(result.thumbnail)).convert("L")
    assert [shown.getpixel((x, 50)) for x in (50, 150, 250)] == [
        pytest.approx(8, abs=8), pytest.approx(127, abs=5), pytest.approx(255, abs=5),
    ]  # fmt: skip


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_of(50_000, 50_000))

    with pytest.raises(DecompressionLimitError, match="50000 x 50000"):
        validate(task_for(path), KeptReport())


def test_a_truncated_picture_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.effect_noise((200, 200), 50).save(path)
    path.write_bytes(path.read_bytes()[:2000])

    with pytest.raises(UnreadableDocumentError):
        extract(task_for(path), KeptReport())


def test_a_signature_without_a_picture_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0nothing")

    with pytest.raises(UnreadableDocumentError):
        validate(task_for(path), KeptReport())


def test_frames_of_a_tiff_are_pages_and_those_of_a_gif_are_not(tmp_path: Path) -> None:
    first, *rest = [Image.new("1", (10 + number, 20)) for number in range(3)]
    first.save(tmp_path / "a.tif", save_all=True, append_images=rest)
    moving = [Image.new("L", (10, 20), color=number * 90) for number in range(3)]
    moving[0].save(tmp_path / "a.gif", save_all=True, append_images=moving[1:])

    pages, one = KeptReport(), KeptReport()
    extract(task_for(tmp_path / "a.tif"), pages)
    animated = extract(task_for(tmp_path / "a.gif"), one)

    assert [page.width for page in pages.kept_pages()] == [10, 11, 12]
    assert len(one.kept_pages()) == 1
    assert animated.metadata["frames"] == 3


def test_a_frame_beyond_the_limit_is_listed_and_the_others_are_read(tmp_path: Path) -> None:
    small, big = Image.new("1", (10, 10)), Image.new("1", (200, 200))
    small.save(tmp_path / "a.tif", save_all=True, append_images=[big, small])
    report = KeptReport()

    result = extract(task_for(tmp_path / "a.tif", limits=DocumentLimits(max_pixels=1_000)), report)

    assert [error.number for error in result.page_errors] == [2]
    assert [page.number for page in report.kept_pages()] == [1, 3]
