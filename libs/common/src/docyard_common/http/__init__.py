"""The HTTP edge that all services share: problems, principals, the app and its server."""

from docyard_common.http.app import create_app
from docyard_common.http.lifecycle import Process, background, keep_for_good, process_of
from docyard_common.http.principal import authenticate_with, principal, require_role
from docyard_common.http.problems import Problem
from docyard_common.http.rate_limiting import limit_rates_with
from docyard_common.http.server import serve

__all__ = [
    "Problem",
    "Process",
    "authenticate_with",
    "background",
    "create_app",
    "keep_for_good",
    "limit_rates_with",
    "principal",
    "process_of",
    "require_role",
    "serve",
]
