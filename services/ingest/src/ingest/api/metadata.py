"""Puts together what is known of a document from its row and its artifacts."""

from docyard_common.analysis import Analysis
from docyard_common.artifacts import ExtractManifest
from ingest.api.content_models import KeywordOut, MetadataOut
from ingest.document import Document


def metadata_of(
    document: Document, manifest: ExtractManifest | None, analysis: Analysis | None
) -> MetadataOut:
    """Return what the stages have found so far; None stands for a stage that has not ended."""
    known = MetadataOut(
        document_id=document.document_id,
        filename=document.filename,
        content_type=document.content_type,
        size_bytes=document.size_bytes,
        sha256=document.sha256,
        metadata=document.metadata,
    )
    if manifest is not None:
        known = known.model_copy(
            update={
                "media_type": manifest.media_type,
                "page_count": manifest.page_count,
                "characters": manifest.characters,
                "extractor": manifest.extractor,
                "extracted": manifest.metadata,
                "failed_pages": [error.number for error in manifest.page_errors],
            }
        )
    if analysis is not None:
        keywords = [KeywordOut(text=word.text, score=word.score) for word in analysis.keywords]
        known = known.model_copy(
            update={
                "language": analysis.language,
                "keywords": keywords,
                "summary": analysis.summary,
                "classification": analysis.classification,
                "enrichment": analysis.enrichment,
            }
        )
    return known
