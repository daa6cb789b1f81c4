"""Which requests begin an upload, and which carry one on."""

import pytest

from ingest.api.rates import begins, goes_on


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/documents/upload/simple",
        "/api/v1/documents/upload/batch",
        "/api/v1/documents/upload/initiate",
        "/api/v1/documents/upload/presign",
        "/api/chat/upload/async",
        "/tus",
        "/tus/",
    ],
)
def test_post_to_a_door_begins_an_upload(path: str) -> None:
    assert begins("POST", path)
    assert not begins("GET", path)
    assert not goes_on("POST", path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/documents/upload/chunk"),
        ("PUT", "/api/v1/documents/upload/0199/parts/3"),
        ("PATCH", "/tus/0199"),
        ("HEAD", "/tus/0199"),
    ],
)
def test_parts_of_an_upload_are_not_counted(method: str, path: str) -> None:
    assert goes_on(method, path)
    assert not begins(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/documents/upload/complete/0199"),
        ("GET", "/api/v1/documents/upload/status/0199"),
        ("DELETE", "/tus/0199"),
        ("POST", "/api/v1/documents/upload/simplex"),
    ],
)
def test_other_requests_are_counted_as_requests_only(method: str, path: str) -> None:
    assert not goes_on(method, path)
    assert not begins(method, path)
