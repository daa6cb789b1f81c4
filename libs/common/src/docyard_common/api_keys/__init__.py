"""Keys for machines: made by admins, believed beside tokens, revoked at once.

They lie in the schema `access`, which ingest brings up to date and every service reads.
"""

from docyard_common.api_keys.key import ApiKey, NewApiKey, make
from docyard_common.api_keys.postgres import PostgresApiKeys, migrate_access
from docyard_common.api_keys.verifier import ApiKeySource, KeyedVerifier

__all__ = [
    "ApiKey",
    "ApiKeySource",
    "KeyedVerifier",
    "NewApiKey",
    "PostgresApiKeys",
    "make",
    "migrate_access",
]
