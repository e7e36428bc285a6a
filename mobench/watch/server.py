"""A server for this machine alone that shows a campaign in a browser, and takes nothing from it but questions."""

from __future__ import annotations

import base64
import functools
import hashlib
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from mobench.watch.watcher import Watcher

__all__ = ["WatchServer"]

HOST = "127.0.0.1"
ASSETS = Path(__file__).with_name("assets")
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class WatchServer(ThreadingHTTPServer):
    """Serves one page about one campaign, and the data that it asks for: nothing else, and to this machine alone.

    Questions have to name this machine as their host: a page of another site whose name was bent to this address gets
    no answer. Nothing can be written, and no file is named by a question.

    Parameters
    ----------
    folder : Path
        ``results/NAME``.
    port : int
        0 takes one that is free.

    Raises
    ------
    FileNotFoundError, ValueError
        There is no campaign, its record cannot be read, or the port is none.
    OSError
        The port is taken.
    """

    daemon_threads = True

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        if not 0 <= port <= 65535:
            raise ValueError(f"port: expected a whole number from 1 to 65535, or 0 for a free one, found {port}")
        self.watcher = Watcher(folder)
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            self.watcher.close()
            raise OSError(f"port {port}: {error.strerror}; leave --port out to take a free one") from error

    @property
    def address(self) -> str:
        """Where a browser finds the page."""
        return f"http://{HOST}:{self.server_port}/"

    @property
    def names(self) -> set[str]:
        """What a question may call this server."""
        return {f"{host}:{self.server_port}" for host in (HOST, "localhost")}

    def server_close(self) -> None:
        """Free the port, and end the looks."""
        super().server_close()
        self.watcher.close()


class _Handler(BaseHTTPRequestHandler):
    """Answers one question."""

    server: WatchServer
    server_version, sys_version = "mobench", ""
    timeout = 30

    def do_GET(self) -> None:
        """Answer with the page, or with what it shows."""
        if self.headers.get("Host") not in self.server.names:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "this server is for pages of its own address only")
            return
        question = urlsplit(self.path)
        if question.path == "/":
            page, policy = _page()
            self._answer(page, "text/html; charset=utf-8", {"Content-Security-Policy": policy})
        elif question.path == "/look.json":
            asked = parse_qs(question.query)
            number = asked.get("problem", ["0"])[0]
            problem = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 0
            found = self.server.watcher.seen(problem, truth="truth" in asked)
            self._answer(orjson.dumps(found, option=orjson.OPT_SERIALIZE_NUMPY), "application/json", {})
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _answer(self, body: bytes, kind: str, headers: dict[str, str]) -> None:
        self.send_response(HTTPStatus.OK)
        for name, value in (_HEADERS | headers | {"Content-Type": kind, "Content-Length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: the terminal is the user's."""


@functools.cache
def _page() -> tuple[bytes, str]:
    """The page, the same for every campaign, and the policy by which a browser runs its own script and no other."""
    text = (ASSETS / "page.html").read_text(encoding="utf-8")
    policy = ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "form-action 'none'"]
    for tag, name, slot in (("style-src", "page.css", "/* style */"), ("script-src", "page.js", "/* script */")):
        asset = (ASSETS / name).read_text(encoding="utf-8")
        text = text.replace(slot, asset)
        digest = base64.b64encode(hashlib.sha256(asset.encode()).digest()).decode()
        policy.append(f"{tag} 'sha256-{digest}'")
    return text.encode(), "; ".join(policy)
