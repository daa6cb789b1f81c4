"""Traces by OpenTelemetry, in W3C context: from the request over Kafka to the index.

Spans are made in every case, so that trace ids are in logs, headers and records; they are only
exported where a collector is configured.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from docyard_common.settings import TracingSettings

TRACEPARENT: Final = "traceparent"
"""Name of the header that carries the context, in HTTP and in Kafka."""

_W3C: Final = TraceContextTextMapPropagator()
_provider = TracerProvider(shutdown_on_exit=False)

Attributes = Mapping[str, str | int | float | bool]


def configure(service: str, settings: TracingSettings) -> None:
    """Name the *service* in all spans from here on and export them where a collector is set."""
    global _provider  # noqa: PLW0603 - a process has one, as it has one root logger
    _provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.namespace": "docyard"}),
        shutdown_on_exit=False,
    )
    if settings.otlp_endpoint:
        _provider.add_span_processor(_exporter(settings.otlp_endpoint))


def shutdown() -> None:
    """Export what is left, for a few seconds at most; blocks."""
    _provider.shutdown()


@contextmanager
def span(
    name: str,
    *,
    traceparent: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[str] = (),
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """Run the block in a span: a child of *traceparent*, or else of the current one.

    *links* are traceparents of what caused this without being its parent, as in a batch. An
    exception marks the span as failed and passes on.
    """
    tracer = _provider.get_tracer("docyard")
    with tracer.start_as_current_span(
        name,
        context=_context(traceparent) if traceparent else None,
        kind=kind,
        links=[Link(_span_context(link)) for link in links],
        attributes=attributes,
    ) as current:
        yield current


def current_traceparent() -> str | None:
    """Return the W3C `traceparent` of the current span, to be sent along; None outside of one."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(TRACEPARENT)


def current_ids() -> tuple[str, str] | None:
    """Return trace id and span id as hex, None outside of a span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)


def inject(headers: dict[str, str]) -> None:
    """Add the current trace context to *headers* of an outgoing call."""
    _W3C.inject(headers)


def extract(headers: Mapping[str, str]) -> str | None:
    """Return the valid `traceparent` among *headers* (lower-case names), or None."""
    found = headers.get(TRACEPARENT)
    return found if found and _span_context(found).is_valid else None


def _context(traceparent: str) -> Context:
    return _W3C.extract({TRACEPARENT: traceparent})


def _span_context(traceparent: str) -> trace.SpanContext:
    return trace.get_current_span(_context(traceparent)).get_span_context()


def _exporter(endpoint: str) -> BatchSpanProcessor:
    # Imported here: it brings an HTTP stack that a service without a collector need not load.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces"))
