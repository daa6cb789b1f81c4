"""A small HTTP server that stands where Tika or docling-serve would."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<html><body><h1>Read elsewhere</h1></body></html>"


@dataclass
class Reader:
    """A small server that keeps what it was asked and answers what it is told."""

    status: int = 200
    answer: bytes = PAGE
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)
    url: str = ""


def handler_for(reader: Reader) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            length = self.headers.get("Content-Length")
            body = self.rfile.read(int(length)) if length else self._chunks()
            reader.asked.append((self.path, self.headers.get("Content-Type", ""), body))
            self.send_response(reader.status)
            self.send_header("Content-Length", str(len(reader.answer)))
            self.end_headers()
            self.wfile.write(reader.answer)

        def do_POST(self) -> None:
            self.do_PUT()

        def _chunks(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

        def log_message(self, *_arguments: object) -> None: ...

    return Handler


@contextmanager
def serving() -> Iterator[Reader]:
    reader = Reader()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(reader))
    reader.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield reader
    server.shutdown()
    thread.join()
    server.server_close()
