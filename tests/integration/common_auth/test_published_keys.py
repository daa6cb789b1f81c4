"""Tokens signed with a private key, believed by the public keys that a server publishes."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from docyard_common.auth import InvalidTokenError, TokenVerifier
from docyard_common.errors import DependencyUnavailableError
from docyard_common.settings import AuthSettings

pytestmark = pytest.mark.integration


class KeyServer:
    """Publishes a JWKS over HTTP and counts how often it was asked."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.asked = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(owner.keys()).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def keys(self) -> dict[str, Any]:
        return {
            "keys": [
                RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True)
                | {"kid": "r", "use": "sig"},
                ECAlgorithm.to_jwk(self.ec.public_key(), as_dict=True) | {"kid": "e", "use": "sig"},
            ]
        }


@pytest.fixture
def published() -> Iterator[KeyServer]:
    keys = KeyServer()
    thread = threading.Thread(target=keys.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield keys
    keys.server.shutdown()
    thread.join()
    keys.server.server_close()


def claims() -> dict[str, Any]:
    return {"sub": "ann", "aud": "docyard", "iss": "docyard", "exp": time.time() + 60}


async def test_rsa_and_elliptic_signatures_are_believed_and_keys_are_kept(
    published: KeyServer,
) -> None:
    verifier = TokenVerifier(AuthSettings(jwks_url=published.url))
    for _ in range(3):
        for algorithm, key, kid in (("RS256", published.rsa, "r"), ("ES256", published.ec, "e")):
            token = jwt.encode(claims(), key, algorithm, headers={"kid": kid})

            assert (await verifier.verify(token)).subject == "ann"

    assert published.asked == 1


async def test_a_public_key_used_as_a_shared_secret_is_not_believed(published: KeyServer) -> None:
    verifier = TokenVerifier(AuthSettings(jwks_url=published.url))
    token = jwt.encode(claims(), "p" * 64, "HS256", headers={"kid": "r"})

    with pytest.raises(InvalidTokenError) as caught:
        await verifier.verify(token)
    assert caught.value.code == "TOKEN_INVALID"


async def test_unknown_key_ids_do_not_hammer_the_server(published: KeyServer) -> None:
    verifier = TokenVerifier(AuthSettings(jwks_url=published.url))
    for number in range(20):
        token = jwt.encode(claims(), published.rsa, "RS256", headers={"kid": f"k{number}"})
        with pytest.raises(InvalidTokenError):
            await verifier.verify(token)

    assert published.asked <= 2


async def test_a_key_server_that_is_away_is_an_outage() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    verifier = TokenVerifier(AuthSettings(jwks_url="http://127.0.0.1:1/keys"))
    token = jwt.encode(claims(), key, "ES256", headers={"kid": "e"})

    with pytest.raises(DependencyUnavailableError):
        await verifier.verify(token)
