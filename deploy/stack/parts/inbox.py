"""A webhook for Alertmanager: it keeps who was told what, in the order in which it came."""

from __future__ import annotations

import json
import threading
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from deploy.stack.parts.ports import HOST

KEPT = 10_000  # messages; older ones are counted and gone
LARGEST_BODY = 16 * 1024 * 1024


class Inbox:
    """Takes messages on any path of a port; the path says for whom they are."""

    def __init__(self, port: int = 0, kept: int = KEPT) -> None:
        told = self.messages = deque[dict[str, Any]](maxlen=kept)
        counts = self.counts = Counter[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                try:
                    message = json.loads(self.rfile.read(min(length, LARGEST_BODY)))
                except ValueError:
                    self.send_error(400)
                    return
                told.append(message)
                counts[self.path.strip("/")] += 1
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer((HOST, port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def host(self) -> str:
        """Its host and port."""
        return f"{HOST}:{self._server.server_port}"

    @property
    def url(self) -> str:
        """Its address, for `webhook_configs`."""
        return f"http://{self.host}/"

    def told(self, alert: str) -> list[str]:
        """What was told of an alert, by its label alert_id: firing or resolved, each with every message."""
        return [
            each["status"]
            for message in list(self.messages)
            for each in message["alerts"]
            if each["labels"].get("alert_id") == alert
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
