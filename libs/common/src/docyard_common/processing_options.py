"""`processing_options`: what an upload may ask of the work on it."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

OCR_LANGUAGES: Final = r"^[A-Za-z_/]{3,40}(\+[A-Za-z_/]{3,40})*$"
"""ISO 639-2 codes as tesseract knows them, joined by `+`."""


class ProcessingOptions(BaseModel):
    """What is not said is decided by the settings of the processor."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    ocr: bool = Field(
        default=False,
        description="true looks at every page as a picture, false at none; left out, at pages"
        " without text.",
    )
    ocr_language: str = Field(
        default="eng",
        pattern=OCR_LANGUAGES,
        max_length=200,
        description="Languages of pictures by ISO 639-2, joined by `+`.",
        examples=["deu+eng"],
    )
    thumbnail: bool = Field(default=True, description="Whether a picture of page 1 is made.")
    words: bool = Field(
        default=False, description="Keep the words of a page with the rectangles they fill."
    )
    reuse: bool = Field(
        default=True,
        description="Whether the result of an equal document may be taken over; false has the work"
        " done.",
    )


def refusal(options: Mapping[str, Any]) -> str | None:
    """Say in a sentence what is wrong with *options*; None where nothing is."""
    try:
        ProcessingOptions.model_validate(options)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = str(first["loc"][0])[:80] if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            known = ", ".join(ProcessingOptions.model_fields)
            return f"There is no option {name!r}, only {known}."
        return f"The option {name!r} is not valid: {first['msg']}."
    return None
