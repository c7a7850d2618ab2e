"""Times as a person types them: `10m` ago, or a local time of day or date as in ISO 8601. Pure."""

from __future__ import annotations

import re

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_AGO = re.compile(r"(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
_MOMENT = re.compile(
    r"(?:(\d{4}-\d\d-\d\d)(?:[T ](?=\d)|$))?"
    r"(?:(\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,6})\d*)?)?"
    r"(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
LENGTH = "must be a length of time such as 30m, 4h or 7d"
ALLOWED = "must be as 10m, 2h, 1d, 14:30 or 2026-11-26T14:30:05"


def seconds_of(text: str) -> float | None:
    """A length of time such as `7d`, `4h` or `1h30m`, or a number of seconds; None if the text means none."""
    text = text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", text, re.ASCII):
        return float(text)
    return float(_seconds(found)) if text and (found := _AGO.fullmatch(text)) else None


def _seconds(found: re.Match[str]) -> int:
    return sum(int(count or 0) * unit for count, unit in zip(found.groups(), _UNITS.values(), strict=True))


def moment_of(text: str, now: float) -> float | None:
    """The time that is meant (epoch seconds); None if the text means none. A time without a date is one of today."""
    from datetime import date, datetime

    text = text.strip()
    if text and (ago := _AGO.fullmatch(text)):
        return now - _seconds(ago)
    found = _MOMENT.fullmatch(text)
    if not found or not (found[1] or found[2]):
        return None
    day = found[1] or date.fromtimestamp(now).isoformat()
    zone = "+00:00" if found[5] == "Z" else found[5] or ""
    zone = zone if len(zone) != 5 else f"{zone[:3]}:{zone[3:]}"
    clock = f"{found[2] or '00:00'}{found[3] or ':00'}.{(found[4] or '').ljust(6, '0')}"
    try:
        return datetime.fromisoformat(f"{day}T{clock}{zone}").timestamp()
    except (ValueError, OverflowError):
        return None
