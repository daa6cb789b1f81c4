"""How parts stand in the OpenAPI document: what the framework can not see of a streamed body."""

from typing import Any, Final

from ingest.uploads.chunk_form import CHUNK_FIELD

CHUNK_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["upload_id", "part_number", CHUNK_FIELD],
                    "additionalProperties": False,
                    "properties": {
                        "upload_id": {"type": "string", "format": "uuid"},
                        "part_number": {"type": "integer", "minimum": 1, "maximum": 10_000},
                        "total_parts": {"type": "integer", "minimum": 1, "maximum": 10_000},
                        "chunk_hash": {
                            "type": "string",
                            "description": "MD5 or SHA-256 of the chunk, in hex.",
                        },
                        "is_final_chunk": {"type": "boolean"},
                        CHUNK_FIELD: {"type": "string", "format": "binary"},
                    },
                }
            }
        },
    }
}
RAW_PART: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": description,
        }
        for name, description in (
            ("Content-MD5", "MD5 of the part in base64 (RFC 1864)."),
            ("Content-Digest", "`sha-256=:<base64>:` or `sha-512` of the part (RFC 9530)."),
            ("Repr-Digest", "The same as Content-Digest here."),
        )
    ],
}
PART_REFUSALS: Final = (
    "UPLOAD_NOT_FOUND",
    "UPLOAD_EXPIRED",
    "UPLOAD_ENDED",
    "UPLOAD_COMPLETED",
    "UPLOAD_BUSY",
    "PART_NUMBER_INVALID",
    "PART_SIZE_INVALID",
    "PART_TOO_LARGE",
    "PART_CONFLICT",
    "CHUNK_HASH_INVALID",
    "CHUNK_HASH_MISMATCH",
    "UNSUPPORTED_TYPE",
    "TYPE_MISMATCH",
    "UPLOAD_STALLED",
    "OVERLOADED",
)
COMPLETE_REFUSALS: Final = (
    "UPLOAD_NOT_FOUND",
    "UPLOAD_EXPIRED",
    "UPLOAD_ENDED",
    "UPLOAD_BUSY",
    "PARTS_MISSING",
    "STORAGE_QUOTA_EXCEEDED",
    "DOCUMENT_QUOTA_EXCEEDED",
    "FILE_SIZE_MISMATCH",
    "FILE_HASH_MISMATCH",
    "EMPTY_FILE",
    "UNSUPPORTED_TYPE",
    "TYPE_MISMATCH",
)
