"""Spans reach a collector where one is configured."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from docyard_common.observability import tracing
from docyard_common.settings import TracingSettings

pytestmark = pytest.mark.integration


class Collector:
    """Takes OTLP over HTTP and keeps what came."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/traces":
                    owner.requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    serving = {"poll_interval": 0.01}
    thread = threading.Thread(target=collector.server.serve_forever, kwargs=serving)
    thread.start()
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()
    tracing.configure("test", TracingSettings())


def test_spans_are_exported_with_the_service_that_made_them(collector: Collector) -> None:
    tracing.configure("ingest", TracingSettings(otlp_endpoint=collector.url + "/"))
    with tracing.span("outer", attributes={"stage": "extract"}), tracing.span("inner"):
        ids = tracing.current_ids()

    tracing.shutdown()

    (told,) = [entry for request in collector.requests for entry in request.resource_spans]
    attributes = {entry.key: entry.value.string_value for entry in told.resource.attributes}
    spans = {span.name: span for scope in told.scope_spans for span in scope.spans}
    assert attributes["service.name"] == "ingest"
    assert spans.keys() == {"outer", "inner"}
    assert spans["inner"].parent_span_id == spans["outer"].span_id
    assert ids is not None
    assert spans["inner"].trace_id.hex() == ids[0]
