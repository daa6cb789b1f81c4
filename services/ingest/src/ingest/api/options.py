"""`processing_options` as the API documents describe them, at every way in."""

from typing import Annotated, Any, Final

from pydantic import WithJsonSchema

from docyard_common.processing_options import ProcessingOptions

_SCHEMA: Final = ProcessingOptions.model_json_schema()

Options = Annotated[dict[str, Any], WithJsonSchema(_SCHEMA)]
"""Of a JSON body; judged where fields of forms are, so that every way in refuses alike."""

OPTIONS_FIELD: Final[dict[str, Any]] = {
    "type": "string",
    "contentMediaType": "application/json",
    "contentSchema": _SCHEMA,
    "examples": ['{"ocr": false}', '{"ocr_language": "deu+eng", "words": true}'],
}
"""Of a form."""
