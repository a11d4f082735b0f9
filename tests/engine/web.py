"""A web server on this machine that misbehaves as told, for tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web:
    """Serves ``files`` by name; ``url`` ends with a slash.

    ``breaks[name]``: so many answers break off after half of the file. ``status[name]``: answer
    with this number. ``held``: names whose second half is sent only once ``go`` is set.
    ``reached_half`` is set when a held file has come so far. ``asked`` lists all requests.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.breaks: dict[str, int] = {}
        self.status: dict[str, int] = {}
        self.held: set[str] = set()
        self.silent_length = False
        self.go, self.reached_half = threading.Event(), threading.Event()
        self.asked: list[str] = []
        self.url = ""


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rpartition("/")[2]
            web.asked.append(name)
            if name in web.status or name not in web.files:
                self.send_error(web.status.get(name, 404))
                return
            data = web.files[name]
            self.send_response(200)
            if not web.silent_length:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            half = len(data) // 2
            self.wfile.write(data[:half])
            self.wfile.flush()
            if web.breaks.get(name, 0):
                web.breaks[name] -= 1
                return
            if name in web.held:
                web.reached_half.set()
                web.go.wait()
            self.wfile.write(data[half:])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # a client that goes away is part of the test
    web.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        web.go.set()
        server.shutdown()
        server.server_close()
        thread.join()
