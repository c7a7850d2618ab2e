"""Whose the other end of a connection on loopback is: every user of a machine reaches it (contract: API, Access)."""

from __future__ import annotations

import ipaddress
import os
import sys
from contextlib import suppress

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
ROOT = 0


def is_of_this_user(host: str, port: int) -> bool:
    """True if the socket bound there is this user's or root's; on systems that do not tell, true."""
    if sys.platform != "linux":
        return True
    return uid_of(host, port) in (os.getuid(), ROOT)


def uid_of(host: str, port: int) -> int | None:
    """Whose connected socket it is that is bound there; None if there is none, or the system does not tell."""
    local = f"{_as_listed(host)}:{port:04X}"
    for table in TABLES:
        with suppress(OSError), open(table, encoding="ascii") as lines:
            for line in lines:
                fields = line.split()
                if fields[1] == local and fields[3] == "01":
                    return int(fields[7])
    return None


def _as_listed(host: str) -> str:
    """The address as the kernel lists it: words of four bytes, each in this machine's order."""
    packed = ipaddress.ip_address(host).packed
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    return "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
