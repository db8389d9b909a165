"""A store that misbehaves: an HTTP proxy before a real one, which answers some requests itself."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "expect"}
_TEXT = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{0}</Code><Message>{1}</Message></Error>'
)


@dataclass
class Request:
    method: str
    path: str
    """With its query."""


Choice = Callable[[Request], "Fault | None"]


@dataclass
class Fault:
    """What a request gets instead: an answer with ``status`` and an S3 ``code``, a connection that is cut, a
    body that is cut short by half, an ETag that is another's, or silence."""

    status: int = 0
    code: str = ""
    cut: bool = False
    truncated: bool = False
    etag: bool = False
    flipped: bool = False
    """The body that is passed on has one other byte."""
    silent: bool = False


@dataclass
class FaultyStore:
    """A context manager. ``choose`` is asked about each request; None lets it through.

    The signature is of the host the client names, so that header goes through as it is.
    """

    host: str
    port: int
    choose: Choice = lambda request: None
    seen: list[Request] = field(default_factory=list)

    def __enter__(self) -> FaultyStore:
        self.over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def methods(self) -> set[str]:
        return {request.method for request in self.seen}


def first(count: int, fault: Fault, method: str = "PUT", ending: str = "") -> Choice:
    """The first so many requests of a method, on objects whose name ends so."""
    left = [count]

    def choose(request: Request) -> Fault | None:
        name = request.path.partition("?")[0]
        if left[0] > 0 and request.method == method and name.endswith(ending):
            left[0] -= 1
            return fault
        return None

    return choose


def always(fault: Fault, method: str = "PUT", ending: str = "") -> Choice:
    return first(1_000_000, fault, method, ending)


def _handler(store: FaultyStore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def serve(self) -> None:
            request = Request(self.command, self.path)
            store.seen.append(request)
            fault = store.choose(request) or Fault()
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if fault.silent:
                store.over.wait(30)
                fault.cut = True
            if fault.cut:
                self.close_connection = True
                self.connection.close()
            elif fault.status:
                text = _TEXT.format(fault.code, fault.code).encode()
                self.answer(fault.status, {"Content-Type": "application/xml"}, text)
            else:
                self.pass_on(fault, body)

        def pass_on(self, fault: Fault, body: bytes) -> None:
            if fault.flipped and self.command == "PUT":
                body = body[:-1] + bytes([body[-1] ^ 1])
            far = http.client.HTTPConnection(store.host, store.port, timeout=30)
            kept = {k: v for k, v in self.headers.items() if k.lower() not in _HOP}
            far.request(self.command, self.path, body, {**kept, "Host": self.headers["Host"]})
            answer = far.getresponse()
            data = answer.read()
            headers = {k: v for k, v in answer.getheaders() if k.lower() not in _HOP}
            far.close()
            if fault.etag:
                headers["ETag"] = '"' + "0" * 32 + '"'
            if fault.flipped and self.command == "GET" and data:
                data = data[:-1] + bytes([data[-1] ^ 1])
            self.answer(answer.status, headers, data, fault.truncated)

        def answer(
            self, status: int, headers: dict[str, str], data: bytes, truncated: bool = False
        ) -> None:
            self.send_response_only(status)
            headers.setdefault("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[: len(data) // 2] if truncated else data)
            if truncated:
                self.wfile.flush()
                self.close_connection = True

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = serve

    return Handler
