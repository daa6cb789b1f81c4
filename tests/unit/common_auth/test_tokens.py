"""Which tokens are believed, and what is said about the others."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from docyard_common.auth import InvalidTokenError, TokenVerifier, mint
from docyard_common.settings import AuthSettings

SECRET = "s" * 32


@pytest.fixture
def verifier() -> TokenVerifier:
    return TokenVerifier(AuthSettings(secret=SecretStr(SECRET)))


def claims(**changed: Any) -> dict[str, Any]:
    whole = {"sub": "ann", "aud": "docyard", "iss": "docyard", "exp": time.time() + 60}
    return {name: value for name, value in (whole | changed).items() if value is not None}


async def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(InvalidTokenError) as caught:
        await verifier.verify(token)
    return caught.value.code


async def test_a_minted_token_names_its_subject_and_end(verifier: TokenVerifier) -> None:
    caller = await verifier.verify(mint(SECRET, subject="ann", ttl_s=60))

    assert caller.subject == "ann"
    assert caller.roles == {"user"}
    assert 0 < caller.expires_at.timestamp() - time.time() <= 60


@pytest.mark.parametrize(
    ("role", "has"),
    [
        ("user", {"user"}),
        ("operator", {"user", "operator"}),
        ("admin", {"user", "operator", "admin"}),
        ("emperor", {"user"}),
    ],
)
async def test_a_role_brings_those_below_it(
    verifier: TokenVerifier, role: str, has: set[str]
) -> None:
    caller = await verifier.verify(mint(SECRET, subject="ann", roles=[role]))

    assert caller.roles == has
    assert caller.has("operator") is ("operator" in has)


@pytest.mark.parametrize(
    ("claim", "payload"),
    [
        ("roles", {"roles": ["operator"]}),
        ("roles", {"roles": "viewer operator"}),
        ("realm_access.roles", {"realm_access": {"roles": ["operator"]}}),
        ("https://example.org/roles", {"https://example.org/roles": ["operator"]}),
    ],
)
async def test_roles_are_found_where_the_settings_say(claim: str, payload: dict[str, Any]) -> None:
    verifier = TokenVerifier(AuthSettings(secret=SecretStr(SECRET), roles_claim=claim))

    caller = await verifier.verify(jwt.encode(claims(**payload), SECRET, "HS256"))

    assert caller.has("operator")


@pytest.mark.parametrize("roles", [None, 7, {"operator": True}, [None, 3], ""])
async def test_an_odd_roles_claim_grants_nothing(verifier: TokenVerifier, roles: object) -> None:
    caller = await verifier.verify(jwt.encode(claims(roles=roles), SECRET, "HS256"))

    assert caller.roles == {"user"}


async def test_no_token_is_missing(verifier: TokenVerifier) -> None:
    assert await refusal(verifier, "") == "TOKEN_MISSING"


async def test_an_old_token_has_expired(verifier: TokenVerifier) -> None:
    assert await refusal(verifier, mint(SECRET, subject="ann", ttl_s=-60)) == "TOKEN_EXPIRED"


@pytest.mark.parametrize("missing", ["sub", "aud", "iss", "exp"])
async def test_a_token_without_a_required_claim_is_invalid(
    verifier: TokenVerifier, missing: str
) -> None:
    token = jwt.encode(claims(**{missing: None}), SECRET, "HS256")

    assert await refusal(verifier, token) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "changed", [{"aud": "other"}, {"iss": "other"}, {"sub": ""}, {"sub": 7}, {"exp": "soon"}]
)
async def test_a_token_for_somebody_else_is_invalid(
    verifier: TokenVerifier, changed: dict[str, Any]
) -> None:
    # PyJWT refuses to write such claims, so the token is made by hand.
    api = jwt.PyJWS()
    token = api.encode(json.dumps(claims(**changed)).encode(), SECRET, "HS256")

    assert await refusal(verifier, token) == "TOKEN_INVALID"


async def test_another_secret_is_not_believed(verifier: TokenVerifier) -> None:
    assert await refusal(verifier, mint("x" * 32, subject="ann")) == "TOKEN_INVALID"


async def test_an_unsigned_token_is_not_believed(verifier: TokenVerifier) -> None:
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")

    assert await refusal(verifier, (head + b"." + body + b".").decode()) == "TOKEN_INVALID"


async def test_another_algorithm_with_the_same_secret_is_not_believed(
    verifier: TokenVerifier,
) -> None:
    token = jwt.encode(claims(), "s" * 64, "HS512")

    assert await refusal(verifier, token) == "TOKEN_INVALID"


@pytest.mark.parametrize("token", ["x", "a.b.c", "ü", "." * 10, "x" * 100_000, "\x00"])
async def test_garbage_is_invalid(verifier: TokenVerifier, token: str) -> None:
    assert await refusal(verifier, token) == "TOKEN_INVALID"


def test_a_short_secret_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TokenVerifier(AuthSettings(secret=SecretStr("short")))
    with pytest.raises(ValueError, match="32 bytes"):
        mint("short", subject="ann")


@pytest.mark.parametrize(
    "settings",
    [AuthSettings(), AuthSettings(secret=SecretStr(SECRET), jwks_url="http://127.0.0.1/keys")],
)
def test_exactly_one_kind_of_key_is_set(settings: AuthSettings) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        TokenVerifier(settings)
