"""Office documents written part by part, so that a test holds only what it is about."""

import zipfile
from pathlib import Path

RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
MC = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_MAIN = {
    "word/document.xml": "wordprocessingml.document",
    "xl/workbook.xml": "spreadsheetml.sheet",
    "ppt/presentation.xml": "presentationml.presentation",
}


def write_zip(path: Path, parts: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
        for name, content in parts.items():
            container.writestr(name, content)
    return path


def rels(*targets: tuple[str, str], office: str = OFFICE) -> str:
    """Relationships `rId1`, `rId2`, … of (kind, target)."""
    items = "".join(
        f'<Relationship Id="rId{number}" Type="{office}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{RELS}">{items}</Relationships>'


def package(path: Path, main: str, parts: dict[str, str | bytes]) -> Path:
    """Write a package around *main*; *parts* come as they are, and may replace what is usual."""
    kind = f"application/vnd.openxmlformats-officedocument.{_MAIN[main]}.main+xml"
    types = f'<Types xmlns="{_TYPES}"><Override PartName="/{main}" ContentType="{kind}"/></Types>'
    usual: dict[str, str | bytes] = {
        "[Content_Types].xml": types,
        "_rels/.rels": rels(("officeDocument", main)),
    }
    return write_zip(path, usual | parts)


def docx(path: Path, body: str, parts: dict[str, str | bytes] | None = None) -> Path:
    usual: dict[str, str | bytes] = {
        "word/document.xml": (
            f'<w:document xmlns:w="{W}" xmlns:mc="{MC}"><w:body>{body}</w:body></w:document>'
        )
    }
    return package(path, "word/document.xml", usual | (parts or {}))


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(path: Path, *sheets: str, parts: dict[str, str | bytes] | None = None) -> Path:
    """Write a workbook; each of *sheets* is the inside of a `worksheet`."""
    names = "".join(
        f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, len(sheets) + 1)
    )
    targets = [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(sheets) + 1)]
    usual: dict[str, str | bytes] = {
        "xl/workbook.xml": (
            f'<workbook xmlns="{S}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": rels(
            *targets, ("sharedStrings", "sharedStrings.xml"), ("styles", "styles.xml")
        ),
    }
    for number, inside in enumerate(sheets, start=1):
        usual[f"xl/worksheets/sheet{number}.xml"] = f'<worksheet xmlns="{S}">{inside}</worksheet>'
    return package(path, "xl/workbook.xml", usual | (parts or {}))


def pptx(path: Path, *slides: str, parts: dict[str, str | bytes] | None = None) -> Path:
    """Write a presentation; each of *slides* is the inside of a `p:spTree`."""
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="rId{n}"/>' for n in range(1, len(slides) + 1))
    targets = [("slide", f"slides/slide{n}.xml") for n in range(1, len(slides) + 1)]
    usual: dict[str, str | bytes] = {
        "ppt/presentation.xml": (
            f'<p:presentation xmlns:p="{P}" xmlns:r="{OFFICE}">'
            f"<p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"
        ),
        "ppt/_rels/presentation.xml.rels": rels(*targets),
    }
    for number, inside in enumerate(slides, start=1):
        usual[f"ppt/slides/slide{number}.xml"] = (
            f'<p:sld xmlns:p="{P}" xmlns:a="{A}" xmlns:mc="{MC}"><p:cSld><p:spTree>{inside}'
            "</p:spTree></p:cSld></p:sld>"
        )
    return package(path, "ppt/presentation.xml", usual | (parts or {}))


def shape(text: str, placeholder: str = "body") -> str:
    return (
        f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{placeholder}"/></p:nvPr></p:nvSpPr>'
        f"<p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )
