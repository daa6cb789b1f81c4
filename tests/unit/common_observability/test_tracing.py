"""Trace context goes from the caller through spans to whoever is called."""

import asyncio

import pytest
from opentelemetry.trace import SpanKind

from docyard_common.observability import tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_outside_of_a_span_there_is_nothing_to_send() -> None:
    assert tracing.current_traceparent() is None
    assert tracing.current_ids() is None


def test_a_span_has_an_id_without_any_configuration() -> None:
    with tracing.span("work"):
        sent = tracing.current_traceparent()

    assert sent is not None
    assert tracing.extract({"traceparent": sent}) == sent


def test_a_span_continues_the_trace_it_is_given() -> None:
    with tracing.span("work", traceparent=PARENT, kind=SpanKind.CONSUMER):
        ids = tracing.current_ids()
        with tracing.span("inner"):
            inner = tracing.current_ids()

    assert ids is not None
    assert inner is not None
    assert ids[0] == inner[0] == TRACE
    assert ids[1] != inner[1]


def test_inject_writes_what_extract_reads() -> None:
    headers: dict[str, str] = {}
    with tracing.span("work", traceparent=PARENT):
        tracing.inject(headers)

    assert tracing.extract(headers) == headers["traceparent"]
    assert TRACE in headers["traceparent"]


@pytest.mark.parametrize("bad", ["", "garbage", "00-0-0-00", PARENT.replace("0af7", "zzzz")])
def test_a_broken_traceparent_starts_a_trace_of_its_own(bad: str) -> None:
    assert tracing.extract({"traceparent": bad}) is None
    with tracing.span("work", traceparent=bad, links=[PARENT]):
        assert tracing.current_traceparent() is not None


async def test_tasks_do_not_see_each_others_spans() -> None:
    async def one() -> str | None:
        with tracing.span("one"):
            await asyncio.sleep(0)
            ids = tracing.current_ids()
        return ids[0] if ids else None

    traces = await asyncio.gather(*(one() for _ in range(10)))

    assert len(set(traces)) == 10
