"""Which extractor reads which media type: a format is one file here and one line below."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from docyard_common.artifacts import Page, PageError
from docyard_common.errors import PermanentError
from docyard_common.media_types import MediaType
from processor.extraction.document import Extractor, OpenDocument, Source
from processor.extraction.docx import open_docx
from processor.extraction.eml import open_eml
from processor.extraction.epub import open_epub
from processor.extraction.html import open_html
from processor.extraction.images import open_image
from processor.extraction.json_text import open_json, open_ndjson
from processor.extraction.msg import open_msg
from processor.extraction.odf import open_odf
from processor.extraction.pdf import open_pdf, open_pdf_otherwise
from processor.extraction.pptx import open_pptx
from processor.extraction.rtf import open_rtf
from processor.extraction.tables import open_table
from processor.extraction.tar import open_tar
from processor.extraction.text import open_markdown, open_text
from processor.extraction.xlsx import open_xlsx
from processor.extraction.xml_text import open_xml
from processor.extraction.zip_archive import open_zip

EXTRACTORS: Final = MappingProxyType[MediaType, Extractor](
    {
        MediaType.PDF: open_pdf,
        MediaType.TEXT: open_text,
        MediaType.MARKDOWN: open_markdown,
        MediaType.HTML: open_html,
        MediaType.CSV: open_table,
        MediaType.TSV: open_table,
        MediaType.JSON: open_json,
        MediaType.NDJSON: open_ndjson,
        MediaType.EML: open_eml,
        MediaType.MSG: open_msg,
        MediaType.ZIP: open_zip,
        MediaType.TAR: open_tar,
        MediaType.GZIP: open_tar,
        MediaType.BZIP2: open_tar,
        MediaType.XZ: open_tar,
        MediaType.ZSTD: open_tar,
        MediaType.PNG: open_image,
        MediaType.JPEG: open_image,
        MediaType.GIF: open_image,
        MediaType.TIFF: open_image,
        MediaType.WEBP: open_image,
        MediaType.BMP: open_image,
        MediaType.DOCX: open_docx,
        MediaType.XLSX: open_xlsx,
        MediaType.PPTX: open_pptx,
        MediaType.ODT: open_odf,
        MediaType.ODS: open_odf,
        MediaType.ODP: open_odf,
        MediaType.EPUB: open_epub,
        MediaType.RTF: open_rtf,
        MediaType.XML: open_xml,
    }
)


_OTHERWISE: Final = MappingProxyType[MediaType, Extractor]({MediaType.PDF: open_pdf_otherwise})
"""Second extractors, for what the first one dies of."""


def has_another_extractor(source: Source) -> bool:
    """Tell whether there is a second extractor for documents of this type."""
    return source.media_type in _OTHERWISE


def read_alone(source: Source, number: int) -> Page | PageError:
    """Read one page that ended earlier attempts, by another extractor; without one it is unread."""
    unread = PageError(number=number, message="Attempts to read the document ended at this page.")
    if not has_another_extractor(source):
        return unread
    try:
        with opened(source, otherwise=True) as document:
            return next(document.pages(number), unread)
    except PermanentError as error:
        return PageError(number=number, message=str(error))


@contextmanager
def opened(source: Source, *, otherwise: bool = False) -> Iterator[OpenDocument]:
    """Open a document with the extractor of its type. Raises what `Extractor` says.

    *otherwise* asks for the second extractor, and changes nothing where there is none.
    """
    extractors = EXTRACTORS | _OTHERWISE if otherwise else EXTRACTORS
    document = extractors[source.media_type](source)
    try:
        yield document
    finally:
        document.close()
