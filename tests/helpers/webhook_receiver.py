"""A webhook on loopback with a token in its address."""

import http.server
import json
import threading
import time
from pathlib import Path
from typing import Any

TOKEN = "T0P-s3cret"


class Receiver:
    """A webhook on loopback; `answers` are the statuses of the next requests, later ones get 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.slow_s = 0.0
        self.asked = 0
        self.taken: list[dict[str, Any]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.asked += 1
                time.sleep(receiver.slow_s)
                status = receiver.answers.pop(0) if receiver.answers else 200
                if status == 200:
                    receiver.taken.append(body)
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://someone:{TOKEN}@127.0.0.1:{self._server.server_port}/hooks/{TOKEN}?key={TOKEN}"

    @property
    def events(self) -> list[str]:
        return [notification["event"] for notification in self.taken]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def files_with_the_token(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]
