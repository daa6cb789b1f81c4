"""Bytes become the words that were written, whatever their label says, however many they are."""

from pathlib import Path

import pytest

from processor.extraction.encoding import decode, detect_encoding, detect_html_encoding

KIB = 1024
JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたか頓と見当がつかぬ。"
CHINESE = "人人生而自由、在尊严和权利上一律平等。他们赋有理性和良心。"
TAIWANESE = "人人生而自由、在尊嚴和權利上一律平等。他們賦有理性和良心。"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."
GERMAN = "Grüße aus Köln, wo der Straßenverkehr über die Brücken führt.\n"


def file_of(folder: Path, data: bytes) -> Path:
    path = folder / "a.txt"
    path.write_bytes(data)
    return path


def read(path: Path) -> str:
    return path.read_bytes().decode(detect_encoding(path), "replace")


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize(
    ("sentence", "codec"),
    [(JAPANESE, "shift_jis"), (CHINESE, "gbk"), (TAIWANESE, "big5"), (KOREAN, "euc_kr")],
)
def test_a_long_file_keeps_its_encoding_wherever_the_sample_ends(
    tmp_path: Path, sentence: str, codec: str, shift: int, end: str
) -> None:
    text = "-" * shift + (sentence * 5 + end) * 700

    assert read(file_of(tmp_path, text.encode(codec))) == text


@pytest.mark.parametrize("before", [0, 500_000])
def test_one_byte_that_is_damaged_does_not_cost_a_long_file_its_encoding(
    tmp_path: Path, before: int
) -> None:
    text = GERMAN.encode() * 10_000

    encoding = detect_encoding(file_of(tmp_path, text[:before] + b"\xff" + text[before:]))

    assert encoding == "utf-8"


@pytest.mark.parametrize("ascii_bytes", [70 * KIB, 3 * KIB * KIB])
def test_letters_after_much_plain_text_are_read(tmp_path: Path, ascii_bytes: int) -> None:
    text = "A plain line of words.\n" * (ascii_bytes // 23) + GERMAN * 10

    assert read(file_of(tmp_path, text.encode("cp1252"))) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x1b$B%F%9%H-!-j$G$9\x1b(B abc", "テスト①㈱です abc"),
        (b"\x1b(I12\x1b(B end \x1b$B$G$9\x1b(B", "ｱｲ end です"),
        (b"\x1b$B$G$9\nplain\n\x1b$B-!\x1b(B", "です\nplain\n①"),
    ],
)
def test_japanese_mail_is_read_as_windows_writes_it(body: bytes, text: str) -> None:
    assert decode(body, "iso-2022-jp") == text


@pytest.mark.parametrize(
    ("codec", "text", "kept"),
    [("hz", "中文字", "中文"), ("iso2022_kr", "한국어 글", "한국어")],
)
def test_text_of_seven_bits_that_is_damaged_keeps_the_rest(
    codec: str, text: str, kept: str
) -> None:
    damaged = text.encode(codec) + ("x" + text).encode(codec)[-3:-1] + b"\xff"

    found = decode(damaged, codec)

    assert kept in found
    assert "~{" not in found


def test_utf8_under_a_label_of_seven_bits_is_utf8() -> None:
    assert decode("Müller 東京".encode(), "iso-2022-jp") == "Müller 東京"


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("ISO-8859-8-E", "iso8859-8", "שלום"),
        ("windows-874", "cp874", "สวัสดี"),
        ("x-sjis", "cp932", "①番"),
        ("windows-31j", "cp932", "㈱"),
        ("x-gbk", "gbk", "朱镕基"),
        ("euc-cn", "gbk", "朱镕基"),
        ("cp936", "gbk", "朱镕基"),
        ("x-euc-jp", "euc_jp", "です"),
        ("ks_c_5601-1989", "cp949", "똠"),
        ("windows-950", "cp950", "箱子"),
        ("x-windows-949", "cp949", "똠"),
        ("ISO8859-1", "cp1252", "“€”"),
        ("ISO_8859-1", "cp1252", "“€”"),
        ("latin-1", "cp1252", "“€”"),
        ("l1", "cp1252", "“€”"),
        ("latin5", "cp1254", "“ğ”"),
    ],
)
def test_labels_of_the_web_and_of_windows_mean_what_their_writers_have(
    label: str, codec: str, text: str
) -> None:
    assert decode(text.encode(codec), label) == text


@pytest.mark.parametrize("label", ["us-ascii", "ascii", "ANSI_X3.4-1968"])
@pytest.mark.parametrize("codec", ["utf-8", "cp1252"])
def test_what_claims_to_be_ascii_is_read_as_what_it_is(label: str, codec: str) -> None:
    assert decode("Herr Müller".encode(codec), label) == "Herr Müller"


@pytest.mark.parametrize("codec", ["utf-8", "cp1252"])
def test_a_page_that_claims_to_be_ascii_is_read_as_what_it_is(tmp_path: Path, codec: str) -> None:
    path = file_of(tmp_path, b'<meta charset="us-ascii"><p>' + "Müller".encode(codec))

    assert detect_html_encoding(path) == codec


@pytest.mark.parametrize(
    "label",
    ["undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "\udce9", "a\0b", ""],
)
def test_labels_that_name_no_charset_are_not_believed(label: str) -> None:
    assert decode("Köln \\u0041".encode(), label) == "Köln \\u0041"


@pytest.mark.parametrize("label", [b"undefined", b"idna", b"unicode_escape"])
def test_a_page_whose_label_names_no_charset_is_read(tmp_path: Path, label: bytes) -> None:
    path = file_of(tmp_path, b'<meta charset="' + label + b'"><p>K\xc3\xb6ln')

    assert detect_html_encoding(path) == "utf-8"
