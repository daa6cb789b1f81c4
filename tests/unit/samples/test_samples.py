import itertools
from pathlib import Path

import pypdf
import pypdfium2
import pytest
from PIL import ExifTags, Image

from docyard_common.errors import FailureReason, PermanentError
from docyard_common.media_types import HEAD_BYTES, sniff
from docyard_stack import samples
from docyard_stack.samples import Outcome, Sample, images


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return samples.every(tmp_path_factory.mktemp("every"))


def named(name: str, among: list[Sample]) -> Sample:
    return next(sample for sample in among if sample.name == name)


def page_texts(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def sniffed(sample: Sample) -> str:
    with sample.path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES), sample.name, sample.declared_type)


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    first = samples.every(tmp_path / "first")
    second = samples.every(tmp_path / "second")

    different = [
        a.name
        for a, b in zip(first, second, strict=True)
        if a.path.read_bytes() != b.path.read_bytes()
    ]

    assert different == []


def test_another_seed_writes_other_words(tmp_path: Path) -> None:
    one = samples.pdf(tmp_path / "one.pdf", pages=3, seed=1)
    two = samples.pdf(tmp_path / "two.pdf", pages=3, seed=2)

    assert not set(one.page_words) & set(two.page_words)


def test_words_belong_to_one_sample_only(every: list[Sample]) -> None:
    marks = [{*sample.words, *sample.page_words} - {"café"} for sample in every]

    assert all(not a & b for a, b in itertools.combinations(marks, 2))


def test_pdf_has_its_page_words_on_their_pages(tmp_path: Path) -> None:
    sample = samples.pdf(tmp_path / "report.pdf", pages=40, seed=3)

    texts = page_texts(sample.path)

    assert len(texts) == sample.page_count == 40
    for number, word in enumerate(sample.page_words):
        assert [page for page, text in enumerate(texts) if word in text] == [number]


def test_every_completing_pdf_opens_with_its_pages(every: list[Sample]) -> None:
    completing = [
        sample
        for sample in every
        if sample.media_type == "application/pdf" and sample.outcome is Outcome.COMPLETED
    ]

    counts = {sample.name: len(page_texts(sample.path)) for sample in completing}

    assert counts == {sample.name: sample.page_count for sample in completing}


@pytest.mark.parametrize("name", ["truncated.pdf", "garbage.pdf"])
def test_unreadable_pdf_opens_in_no_library(name: str, every: list[Sample]) -> None:
    path = named(name, every).path

    with pytest.raises(pypdfium2.PdfiumError):
        pypdfium2.PdfDocument(path)
    with pytest.raises(pypdf.errors.PyPdfError):
        len(pypdf.PdfReader(path).pages)


def test_encrypted_pdf_refuses_the_empty_password(every: list[Sample]) -> None:
    reader = pypdf.PdfReader(named("encrypted.pdf", every).path)

    assert reader.is_encrypted
    assert reader.decrypt("") == pypdf.PasswordType.NOT_DECRYPTED


def test_scanned_pdf_has_no_text(every: list[Sample]) -> None:
    assert "".join(page_texts(named("scanned.pdf", every).path)).strip() == ""


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("letter-utf16.txt", "utf-16"), ("brief-latin1.txt", "latin-1"), ("letter.txt", "utf-8")],
)
def test_text_has_its_words_in_its_encoding(name: str, encoding: str, every: list[Sample]) -> None:
    sample = named(name, every)

    text = sample.path.read_bytes().decode(encoding)

    assert all(word in text for word in sample.words)


def test_photograph_says_which_way_up_it_is(every: list[Sample]) -> None:
    with Image.open(named("photograph.jpg", every).path) as picture:
        exif = picture.getexif()

    assert exif[ExifTags.Base.Orientation] == 6
    assert exif[ExifTags.Base.Model] == images.CAMERA


def test_pixel_bomb_is_small_on_disk(every: list[Sample]) -> None:
    assert named("pixel-bomb.png", every).path.stat().st_size < 1_000


def test_accepted_samples_are_recognised_as_what_they_are(every: list[Sample]) -> None:
    accepted = [sample for sample in every if sample.outcome is not Outcome.REFUSED]

    assert {s.name: sniffed(s) for s in accepted} == {s.name: s.media_type for s in accepted}


def test_refused_samples_are_refused_for_their_reason(every: list[Sample]) -> None:
    refused = [sample for sample in every if sample.outcome is Outcome.REFUSED]

    reasons: dict[str, FailureReason] = {}
    for sample in refused:
        with pytest.raises(PermanentError) as caught:
            sniffed(sample)
        reasons[sample.name] = caught.value.reason

    assert reasons == {sample.name: sample.reason for sample in refused}


def test_demo_has_one_document_that_fails(tmp_path: Path) -> None:
    outcomes = [sample.outcome for sample in samples.demo(tmp_path / "demo")]

    assert outcomes.count(Outcome.FAILED) == 1
    assert outcomes.count(Outcome.COMPLETED) == len(outcomes) - 1


def test_burst_writes_as_many_small_documents_as_asked(tmp_path: Path) -> None:
    burst = samples.burst(tmp_path / "burst", 30, seed=4)

    assert len({sample.path for sample in burst}) == 30
    assert max(sample.path.stat().st_size for sample in burst) < 8_192
    assert len({word for sample in burst for word in sample.words}) >= 30
