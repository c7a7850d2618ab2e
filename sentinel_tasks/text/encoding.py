"""Text files in the encodings that editors write them in."""

from __future__ import annotations

import codecs

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(data: bytes) -> str:
    """The text of UTF-8, or of UTF-16 with its byte order mark; ValueError, for a person to read, for anything else."""
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as reason:
        line = data[: reason.start].count(b"\n") + 1
        raise ValueError(
            f"line {line} is not {encoding.removesuffix('-sig').upper()}; save the file as UTF-8"
        ) from reason
