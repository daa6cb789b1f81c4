"""A key opens with its own secret only, and for as long as it is good."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr

from docyard_common.api_keys import ApiKey, KeyedVerifier, make
from docyard_common.api_keys.key import parse
from docyard_common.auth import InvalidTokenError, TokenVerifier, mint
from docyard_common.clock import SystemClock
from docyard_common.ids import uuid7
from docyard_common.settings import AuthSettings

SECRET = "s" * 32
NOW = datetime.now(UTC)
NEW = make(uuid7())
KEY = ApiKey(
    key_id=NEW.key_id, name="scanner", subject="office", roles=("operator",),
    secret_sha256=NEW.secret_sha256, created_at=NOW, created_by="ada", expires_at=None,
)  # fmt: skip


class Keys:
    """One key."""

    def __init__(self, key: ApiKey) -> None:
        self._key = key

    async def find(self, key_id: UUID) -> ApiKey | None:
        return self._key if key_id == self._key.key_id else None


def verifier(key: ApiKey = KEY) -> KeyedVerifier:
    tokens = TokenVerifier(AuthSettings(secret=SecretStr(SECRET)))
    return KeyedVerifier(tokens, keys=Keys(key), clock=SystemClock())


async def test_key_speaks_for_its_subject_with_its_roles() -> None:
    caller = await verifier().verify(NEW.text)

    assert (caller.subject, caller.is_machine) == ("office", True)
    assert caller.has("operator")
    assert not caller.has("admin")
    assert caller.expires_at > NOW


async def test_tokens_are_believed_as_before() -> None:
    caller = await verifier().verify(mint(SECRET, subject="ann"))

    assert (caller.subject, caller.is_machine) == ("ann", False)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (make(KEY.key_id).text, KEY),
        (make(uuid7()).text, KEY),
        (NEW.text[:-1], KEY),
        (NEW.text + "x", KEY),
        ("dyk_", KEY),
        (NEW.text, replace(KEY, revoked_at=NOW)),
        (NEW.text, replace(KEY, expires_at=NOW - timedelta(seconds=1))),
    ],
    ids=["other secret", "other id", "short", "long", "empty", "revoked", "expired"],
)
async def test_key_that_is_not_good_opens_nothing(text: str, key: ApiKey) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        await verifier(key).verify(text)

    assert refused.value.code == "TOKEN_INVALID"


def test_text_is_never_the_hash_and_is_read_back() -> None:
    parsed = parse(NEW.text)

    assert parsed is not None
    assert parsed[0] == NEW.key_id
    assert NEW.secret_sha256 not in NEW.text
