"""Ctrl-C ends what waits, in the command line and in the SDK."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.unit.client.fake_docyard import TOKEN, FakeDocyard
from typer.testing import CliRunner

from docyard import Client, Endpoints
from docyard.cli.app import app

HANGS_S = 15
"""Far longer than an interrupt takes, and less than any timeout of a client that hangs."""


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """An address that never answers, and whether it was asked."""
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                asked.set()
                connection.recv(65536)  # until the client leaves

        serving = threading.Thread(target=serve)
        serving.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        serving.join()


@contextmanager
def interrupted(waiting: threading.Event) -> Iterator[None]:
    """Take one SIGINT in another thread once *waiting* is set.

    One that comes just before a thread sleeps leaves it asleep, as one that another thread takes.
    """

    def interrupt() -> None:
        if waiting.wait(HANGS_S):
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        yield
    finally:
        interrupting.join()


@pytest.mark.timeout(HANGS_S)
def test_an_interrupt_that_interrupts_no_system_call_still_ends_a_command() -> None:
    with silent_server() as (url, asked), interrupted(asked):
        result = CliRunner().invoke(app, ["show", "1", "--url", url, "--token", TOKEN])

    assert result.exit_code == 130
    assert "docyard: interrupted" in result.stderr


@pytest.mark.timeout(HANGS_S)
@pytest.mark.parametrize("wait", ["watch", "wait"])
def test_an_interrupted_wait_lets_the_client_close(
    fake: FakeDocyard, endpoints: Endpoints, wait: str
) -> None:
    fake.ends["a.txt"] = "indexing"
    id_ = fake.add(filename="a.txt")
    before = set(threading.enumerate())

    with (
        interrupted(fake.connected),
        pytest.raises(KeyboardInterrupt),
        Client(endpoints) as client,
    ):
        list(getattr(client, wait)([id_]))

    assert set(threading.enumerate()) <= before
