"""A health check as a line of shell that exits 0 where the service is healthy; needs curl, and nc or bash. Pure."""

from __future__ import annotations

import shlex
from urllib.parse import quote, urlsplit

from ..model import Health, Service

LOOPBACK = ("localhost", "127.0.0.1", "::1")
CURL = "curl -qgs -m 2 --noproxy '*' -o /dev/null -w '%{http_code}'"
TOKEN = """printf 'X-TES-Dev-Token: %s' "$TES_DEV_TOKEN" | """
"""The token goes by a pipe: a command line can be read by everyone on the machine."""


def http(service: Service, port: int | None, host: str = "localhost") -> str:
    """Asks the address as the service's own health check would, and compares the status."""
    return http_at(service, shlex.quote(url(service.health, port, host)))


def http_at(service: Service, address: str) -> str:
    """The same of an address that is quoted already."""
    health = service.health
    words = f"{CURL} {'-k ' if _is_own_https(health) else ''}"
    asked = f"{TOKEN}{words}-H @- " if service.counts_workers and is_path(health) else words
    return f'case "$({asked}{address})" in {pattern(health)}) ;; *) exit 1 ;; esac'


def tcp(port: int | None, host: str = "localhost") -> str:
    """Connects and says nothing."""
    return f"nc -z -w 2 {host} {port} 2>/dev/null || bash -c '</dev/tcp/{host}/{port}' 2>/dev/null"


def is_path(health: Health) -> bool:
    """True if the check asks the service's own port."""
    return str(health.target).startswith("/")


def url(health: Health, port: int | None, host: str = "localhost") -> str:
    """The address that is asked, as it goes over the wire."""
    return f"http://{host}:{port}{path(health)}" if is_path(health) else path(health)


def path(health: Health) -> str:
    """What is asked, in characters that go over the wire."""
    return quote(str(health.target), safe="%/:=&?~#+!$,;'@()*[]")


def _is_own_https(health: Health) -> bool:
    """A development server signs its own certificate."""
    if is_path(health):
        return False
    parts = urlsplit(str(health.target))
    return parts.scheme == "https" and parts.hostname in LOOPBACK


def pattern(health: Health) -> str:
    """The expected statuses as a shell's `case` has them."""
    return "|".join(each for expected in health.expect for each in _patterns(expected))


def _patterns(expected: str) -> list[str]:
    if not expected.startswith("<"):
        return [expected.lower().replace("x", "?")]
    hundreds, tens, ones = (int(digit) for digit in expected[1:])
    below = [_below("", hundreds, "??", 1), _below(f"{hundreds}", tens, "?"), _below(f"{hundreds}{tens}", ones, "")]
    return [each for each in below if each] or ["none"]


def _below(prefix: str, digit: int, rest: str, first: int = 0) -> str:
    """The pattern of all digits below this one at its place; empty if there are none."""
    return f"{prefix}[{first}-{digit - 1}]{rest}" if digit > first else ""
