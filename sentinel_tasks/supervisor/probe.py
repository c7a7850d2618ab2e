"""Asks a service once whether it still answers: exit code 0 if it does, else 1 and why not on stdout. Stands alone.

The launcher runs it as `python -I -S probe.py http URL EXPECTED SECONDS`, or with `tcp PORT SECONDS`. Unlike a health
check (health/http.py) it needs no library, for it is a process of its own each time.
"""

from __future__ import annotations

import socket
import sys
from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LONGEST_LINE = 4096


def tcp(port: str, seconds: str) -> str:
    """What is wrong with a port that should accept connections; empty if nothing is."""
    with _connected("localhost", int(port), float(seconds)):
        return ""


def http(url: str, expected: str, seconds: str) -> str:
    """What is wrong with the answer of this address; empty if nothing is."""
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with _connected(host, port, float(seconds)) as plain:
        connection = _encrypted(plain, host) if parts.scheme == "https" else plain
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        connection.sendall(f"GET {target} HTTP/1.0\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        status = _first_line(connection).split()
    if len(status) < 2 or not status[0].startswith("HTTP/"):
        return "no HTTP answer"
    return "" if any(fits(status[1], each) for each in expected.split(",")) else f"HTTP {status[1]}"


def _connected(host: str, port: int, seconds: float) -> socket.socket:
    """A connection; to localhost by either family, also where that name stands for 127.0.0.1 alone."""
    refused = None
    for address in ("127.0.0.1", "::1") if host == "localhost" else (host,):
        try:
            return socket.create_connection((address, port), seconds)
        except OSError as reason:
            refused = refused or reason
    raise refused or OSError("no address")


def _encrypted(plain: socket.socket, host: str) -> socket.socket:
    """A development server signs its own certificate."""
    import ssl

    context = ssl.create_default_context()
    if host in LOOPBACK:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=host)


def _first_line(connection: socket.socket) -> str:
    found = b""
    while b"\n" not in found and len(found) < LONGEST_LINE and (part := connection.recv(LONGEST_LINE)):
        found += part
    return found.partition(b"\n")[0].decode("latin-1")


def fits(status: str, expected: str) -> bool:
    """True if the status is what `200`, `3xx` or `<500` expects."""
    if expected.startswith("<"):
        return status < expected[1:]
    return status[:1] == expected[:1] and (expected[1:].lower() == "xx" or status == expected)


def main(kind: str, *words: str) -> int:
    """Asks once; the exit code."""
    try:
        wrong = tcp(*words) if kind == "tcp" else http(*words)
    except OSError as reason:
        wrong = "no answer in time" if isinstance(reason, TimeoutError) else reason.strerror or str(reason)
    print(wrong, end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
