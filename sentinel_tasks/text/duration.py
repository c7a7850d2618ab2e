"""Lengths of time, and times of day, in words."""

from __future__ import annotations

import time

UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s"))


def duration(seconds: float) -> str:
    """`12s`, `3m 12s`, `2h 5m`, `4d 1h`; a negative length is `0s`."""
    whole = int(max(0.0, seconds))
    for size, unit, smaller, smaller_unit in UNITS:
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // smaller}{smaller_unit}"
    return f"{whole}s"


def moment(when: float) -> str:
    """A time of day (epoch seconds) as the person's clock shows it: `2026-11-25 14:03:22`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def timestamp(when: float) -> str:
    """The same to the millisecond and with its offset (RFC 3339): `2026-11-25T14:03:22.125+01:00`; `-` if unknown."""
    if not when:
        return "-"
    whole, rest = divmod(round(when * 1000), 1000)
    local = time.localtime(whole)
    offset = time.strftime("%z", local)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', local)}.{rest:03d}{offset[:3]}:{offset[3:]}"
