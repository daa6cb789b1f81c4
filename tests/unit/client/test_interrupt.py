"""Ctrl-C ends what waits, in the command line and in the SDK."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.unit.client.fake_docyard import TOKEN, FakeDocyard
from typer.testing import CliRunner
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import Event
from websockets.server import ServerProtocol

from docyard import Client, Endpoints
from docyard.cli.app import app

GOODBYE_S = 0.5
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


class SlowNotifier:
    """Takes one WebSocket, and answers the goodbye late."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.gone = threading.Event()
        """Set by who has closed its client."""
        self.was_left = False
        """Whether the client did not wait for the answer to its goodbye."""

    @contextmanager
    def running(self) -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = threading.Thread(target=self._serve, args=[listener])
            serving.start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            serving.join()

    def _serve(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        protocol = ServerProtocol()
        with connection:
            while data := connection.recv(65536):
                protocol.receive_data(data)
                for event in protocol.events_received():
                    self._note(protocol, event)
                for piece in protocol.data_to_send():
                    connection.sendall(piece)
                if protocol.close_expected():
                    return

    def _note(self, protocol: ServerProtocol, event: Event) -> None:
        if isinstance(event, Request):
            protocol.send_response(protocol.accept(event))
        elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
            self.was_left = self.gone.wait(GOODBYE_S)
        else:
            self.asked.set()


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


@pytest.mark.timeout(HANGS_S)
def test_an_interrupted_watch_closes_its_connection_before_the_client() -> None:
    """Else the loop is closed under a connection, which stays open until it is collected."""
    notifier = SlowNotifier()
    with notifier.running() as url:
        endpoints = Endpoints(url, url, url, token=TOKEN)
        with (
            interrupted(notifier.asked),
            pytest.raises(KeyboardInterrupt),
            Client(endpoints) as client,
        ):
            list(client.watch(["1"]))
        notifier.gone.set()

    assert not notifier.was_left
