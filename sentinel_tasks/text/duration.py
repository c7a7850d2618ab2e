"""Lengths of time in words. Pure."""

from __future__ import annotations

UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s"))


def duration(seconds: float) -> str:
    """`12s`, `3m 12s`, `2h 5m`, `4d 1h`; a negative length is `0s`."""
    whole = int(max(0.0, seconds))
    for size, unit, smaller, smaller_unit in UNITS:
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // smaller}{smaller_unit}"
    return f"{whole}s"
