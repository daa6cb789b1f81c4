"""What every answer carries, whatever the route does."""

import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from prometheus_client import REGISTRY
from tests.unit.common_http.conftest import ORIGIN

from docyard_common.http.bodies import MAX_BODY_BYTES

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def counted(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("http_server_request_duration_seconds_count", labels) or 0.0


def test_a_request_id_is_kept(client: TestClient) -> None:
    answer = client.get("/things/1", headers={"X-Request-Id": "abc-1"})

    assert answer.headers["x-request-id"] == "abc-1"


@pytest.mark.parametrize("given", [{}, {"X-Request-Id": "a b\t{}"}, {"X-Request-Id": "x" * 500}])
def test_a_missing_or_odd_request_id_is_replaced(client: TestClient, given: dict[str, str]) -> None:
    assert len(client.get("/things/1", headers=given).headers["x-request-id"]) == 36


def test_the_trace_of_the_caller_goes_on(client: TestClient) -> None:
    answer = client.get("/nowhere", headers={"traceparent": PARENT})

    assert answer.json()["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert answer.headers["traceparent"].split("-")[1] == answer.json()["trace_id"]


@pytest.mark.parametrize("path", ["/things/1", "/nowhere", "/raise/bug", "/things/abc"])
def test_cors_headers_are_on_every_answer(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Origin": ORIGIN})

    assert answer.headers["access-control-allow-origin"] == ORIGIN
    foreign = client.get(path, headers={"Origin": "https://evil.example.org"})
    assert "access-control-allow-origin" not in foreign.headers


def test_a_preflight_allows_the_header_of_tokens(client: TestClient) -> None:
    answer = client.options(
        "/orders",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, idempotency-key",
        },
    )

    assert answer.status_code == 200
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()


def test_requests_are_counted_by_the_template_of_their_route(client: TestClient) -> None:
    before = counted("GET", "/things/{thing_id}", "2xx"), counted("GET", "unmatched", "4xx")
    client.get("/things/1")
    client.get("/things/2")
    client.get("/some/id/4711")

    assert counted("GET", "/things/{thing_id}", "2xx") == before[0] + 2
    assert counted("GET", "unmatched", "4xx") == before[1] + 1


@pytest.fixture
def access_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.INFO, logger="docyard_common.http.edge"):
        yield caplog


def test_a_request_is_one_log_line_without_its_query(
    client: TestClient, access_log: pytest.LogCaptureFixture
) -> None:
    client.get("/things/1?token=s3cret")

    (line,) = [record for record in access_log.records if record.message == "http.request"]
    fields = vars(line)
    assert (fields["route"], fields["status"]) == ("/things/{thing_id}", 200)
    assert fields["path"] == "/things/1"
    assert "s3cret" not in str(fields)


def test_probes_do_not_fill_the_log(
    client: TestClient, access_log: pytest.LogCaptureFixture
) -> None:
    client.get("/health/live")

    assert not [record for record in access_log.records if record.message == "http.request"]


def test_a_bug_leaves_its_stack_in_the_log(
    client: TestClient, access_log: pytest.LogCaptureFixture
) -> None:
    client.get("/raise/bug")

    (line,) = [entry for entry in access_log.records if entry.message == "http.unforeseen_error"]
    assert line.exc_info is not None


def test_an_answer_that_breaks_off_is_not_made_to_look_whole(app: FastAPI) -> None:
    with TestClient(app) as client, pytest.raises(RuntimeError, match="no more"):
        client.get("/breaks-off")


def test_a_body_that_is_announced_too_large_is_not_read(client: TestClient) -> None:
    answer = client.post("/whole", content=bytes(MAX_BODY_BYTES + 1))

    assert answer.status_code == 413
    assert answer.json()["code"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("path", ["/whole", "/orders"])
def test_a_body_that_grows_too_large_is_cut_off(client: TestClient, path: str) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(MAX_BODY_BYTES // 10)

    answer = client.post(path, content=pieces(), headers={"content-type": "application/json"})

    assert answer.status_code == 413
    assert answer.json()["code"] == "PAYLOAD_TOO_LARGE"


def test_streamed_paths_have_no_limit_here(client: TestClient) -> None:
    size = MAX_BODY_BYTES * 3

    assert client.post("/stream-in", content=bytes(size)).json() == {"size": size}
    assert client.post("/stream-in/", content=bytes(size)).json() == {"size": size}


@pytest.mark.parametrize("path", ["/whole", "/orders"])
def test_a_form_elsewhere_is_no_way_around_the_limit(client: TestClient, path: str) -> None:
    form = {"content-type": "multipart/form-data; boundary=x"}

    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(MAX_BODY_BYTES // 10)

    answer = client.post(path, content=pieces(), headers=form)

    assert answer.status_code == 413
    assert answer.json()["code"] == "PAYLOAD_TOO_LARGE"


def test_websockets_pass_through(app: FastAPI) -> None:
    @app.websocket("/ws")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(await socket.receive_text())
        await socket.close()

    with TestClient(app) as client, client.websocket_connect("/ws") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


def test_health_and_metrics_need_no_token(client: TestClient) -> None:
    assert client.get("/health").json()["service"] == "test"
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 200
    assert "http_server_request_duration_seconds" in client.get("/metrics").text


def test_openapi_describes_problems_and_tokens(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    answer = document["paths"]["/orders"]["post"]["responses"]["default"]
    schema = answer["content"]["application/problem+json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/ProblemDocument"}
    assert {"ProblemDocument", "FieldProblem"} <= document["components"]["schemas"].keys()
    assert document["paths"]["/me"]["get"]["security"] == [{"HTTPBearer": []}, {"APIKeyHeader": []}]
    assert "HTTPValidationError" not in document["components"]["schemas"]
