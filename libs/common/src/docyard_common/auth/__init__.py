"""Who is calling: tokens made, tokens checked."""

from docyard_common.auth.principal import Principal
from docyard_common.auth.tokens import mint
from docyard_common.auth.verifier import InvalidTokenError, TokenVerifier, Verifier

__all__ = ["InvalidTokenError", "Principal", "TokenVerifier", "Verifier", "mint"]
