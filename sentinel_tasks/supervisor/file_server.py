"""Serves the current folder's files on loopback, to this machine alone: `python file_server.py PORT`.

It is what `dev` runs in a project that has nothing else (contract: Configuration, Default commands). Standard library
only, and a stand-alone script: none of the project's own modules must be found.
"""

from __future__ import annotations

import contextlib
import html
import io
import os
import re
import socket
import stat
import sys
import threading
import time
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote, unquote

HOST = "127.0.0.1"
LOOPBACK_HOST = re.compile(r"(localhost|[a-z0-9.-]+\.localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?", re.ASCII)
STORES = frozenset({".pnpm"})
"""Folders of packages that are reached through links; nothing of the project's own is in them."""
INDEX = ("index.html", "index.htm")
HEAD_SECONDS = 10.0
UNREAD_SECONDS = 60.0
"""How long a client may leave what it is sent unread: a player that pauses does."""
MOST_WITHOUT_HEAD = 50
"""Connections that have not said yet what they want; beyond that the oldest is closed."""


class Handler(SimpleHTTPRequestHandler):
    """Answers for the folder's files, but for those whose name or folder begins with a dot."""

    server: Server
    server_version, sys_version = "sentinel-tasks", ""
    timeout = HEAD_SECONDS

    def parse_request(self) -> bool:
        """False, and refused, if another host is asked for: a page of another site would (DNS rebinding)."""
        if not super().parse_request():
            return False
        self.server.has_head(self.connection)
        self.connection.settimeout(UNREAD_SECONDS)
        hosts = self.headers.get_all("Host", [])
        if len(hosts) == 1 and LOOPBACK_HOST.fullmatch(hosts[0].lower()):
            return True
        self.send_error(HTTPStatus.FORBIDDEN, "This Host is not served here: ask for localhost")
        return False

    def send_head(self) -> Any:
        """The file that is asked for; what must not be seen is told as if it were not there."""
        path = Path(self.translate_path(self.path))
        wanted = [path, *(path / name for name in INDEX if path.is_dir() and (path / name).exists())]
        if not all(self.server.serves(each) for each in wanted):
            self.send_error(HTTPStatus.NOT_FOUND, "File not found")
            return None
        return super().send_head()

    def list_directory(self, path: str | os.PathLike[str]) -> io.BytesIO | None:
        """The names in the folder that are served."""
        try:
            found = sorted(each for each in Path(path).iterdir() if self.server.serves(each))
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND, "No permission to list directory")
            return None
        names = [f"{each.name}/" if each.is_dir() else each.name for each in found]
        page = _listing(unquote(self.path.partition("?")[0], errors="replace"), names)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        return io.BytesIO(page)


def _listing(title: str, names: list[str]) -> bytes:
    links = "".join(
        f'<li><a href="./{quote(name, errors="surrogateescape")}">{_shown(name)}</a></li>\n' for name in names
    )
    page = f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{_shown(title)}</title>\n'
    return f"{page}<h1>{_shown(title)}</h1>\n<ul>\n{links}</ul>\n</html>\n".encode()


def _shown(text: str) -> str:
    return html.escape(text.encode("utf-8", "replace").decode())


class Server(ThreadingHTTPServer):
    """Serves one folder; who connects and says nothing keeps nobody else waiting."""

    request_queue_size = 128

    def __init__(self, folder: str, port: int) -> None:
        self.folder = Path(folder).resolve()
        self._without_head: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        super().__init__((HOST, port), Handler)

    def serves(self, path: Path) -> bool:
        """False for what is hidden by its name, lies elsewhere or is no file or folder; links are followed."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            real = path.resolve()
            if _is_visible(path.relative_to(self.folder)) and _is_visible(real.relative_to(self.folder), STORES):
                return not real.exists() or stat.S_IFMT(real.stat().st_mode) in (stat.S_IFREG, stat.S_IFDIR)
        return False

    # Connections

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection; where there is no room for one, that of the longest silence is closed."""
        try:
            connection, address = super().get_request()
        except OSError:
            self._close_silent(most=0)
            time.sleep(0.1)
            raise
        self._close_silent(MOST_WITHOUT_HEAD - 1)
        with self._lock:
            self._without_head[connection] = time.monotonic()
        return connection, address

    def service_actions(self) -> None:
        """Now and then: closes the connections that have been silent for too long."""
        self._close_silent(MOST_WITHOUT_HEAD)

    def has_head(self, connection: socket.socket) -> None:
        """Notes that the connection has said what it wants, or has ended."""
        with self._lock:
            self._without_head.pop(connection, None)

    def _close_silent(self, most: int) -> None:
        too_old = time.monotonic() - HEAD_SECONDS
        with self._lock:
            surplus = [*self._without_head][: max(0, len(self._without_head) - most)]
            late = [each for each, since in self._without_head.items() if since < too_old]
            for each in {*surplus, *late}:
                del self._without_head[each]
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """Ends the connection."""
        self.has_head(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone or fell silent is no error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _is_visible(path: PurePath, but: frozenset[str] = frozenset()) -> bool:
    return not any(part.startswith(".") and part not in but for part in path.parts)


def main() -> int:
    """Serves until SIGINT; the exit code is 1 if the port can't be had."""
    with contextlib.suppress(KeyboardInterrupt):
        return serve(int(sys.argv[1]))
    return 0


def serve(port: int) -> int:
    try:
        server = Server(os.getcwd(), port)
    except OSError as reason:
        print(f"can't listen on port {port}: {reason.strerror}", file=sys.stderr)
        return 1
    print(f"Serving {server.folder} on http://localhost:{port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
