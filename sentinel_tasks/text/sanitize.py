"""Lines that a program printed, made safe to show: without the sequences that control a terminal. Pure.

Signs that reverse the order of a line are left out too: they would change how the rest of our own line reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .annotations import ANNOTATION, ANNOTATIONS

LONGEST_CAUSE, LONGEST_LINE = 300, 1000

_STRING = r"\x1b[\]PX^_k].*?(?:\x07|\x1b\\|$)"
_CSI = r"\x1b\[[0-?]*[ -/]*(?:[@-~]|$)"
_OTHER = r"\x1b(?:[ -/]*[0-~]?)"
_CONTROL = r"[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f\x80-\x9f\u2028-\u202e\u2066-\u2069]"
_SEQUENCES = f"(?s:{_STRING}|{_CSI}|{_OTHER}|{_CONTROL})"
_ESCAPES = f"(?s:{_STRING}|{_CSI}|{_OTHER})"
_COLOUR = r"\x1b\[[0-9;:]*m"
_CLEARS = rb"\x1b(?:c|\[(?:0?;?0?|1;1)?H|\[[0-3]?J)"


def readable(raw: bytes, colour: bool) -> str:
    """One line as a person would have seen it: the last state of a rewritten line, colours only if asked for."""
    text = re.sub(ANNOTATION, b"", raw).decode("utf-8", "replace").rstrip("\r\n")
    return _without_sequences(text.rpartition("\r")[2] or text, colour)


def printed(raw: bytes) -> str:
    """The text of one line as a program meant it: the last state of a rewritten line, without escape sequences."""
    text = raw.decode("utf-8", "replace")
    if b"\r" in raw:
        text = text.rstrip("\r")
        text = text.rpartition("\r")[2] or text
    return re.sub(_ESCAPES, "", text) if b"\x1b" in raw else text


def without_colours(raw: bytes) -> bytes:
    """The same lines without the sequences that only colour them."""
    return re.sub(_COLOUR.encode(), b"", raw) if b"\x1b" in raw else raw


def _without_sequences(text: str, colour: bool) -> str:
    def kept(found: re.Match[str]) -> str:
        return found.group() if colour and re.fullmatch(_COLOUR, found.group()) else ""

    if text.isprintable():
        return text
    shown = re.sub(_SEQUENCES, kept, text)
    return f"{shown}\x1b[0m" if "\x1b" in shown else shown


def plain(text: str) -> str:
    """Text from elsewhere (a window's name, a command line) made fit for one line of output."""
    return _without_sequences(text.replace("\n", " ").replace("\t", " ").replace("\r", " "), colour=False)


def last_line(lines: Sequence[str]) -> str:
    """The last line that is not blank, cut to fit into a sentence."""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return shortened(last, LONGEST_CAUSE)


def shortened(line: str, most: int = LONGEST_LINE) -> str:
    """The line, cut where it would fill a person's terminal."""
    return line if len(line) <= most else f"{line[:most]}..."


def is_only_annotations(line: bytes) -> bool:
    """True for a line that the launcher wrote for the log's readers; the service printed nothing on it."""
    return line.startswith(b"\x1b") and re.fullmatch(ANNOTATIONS, line.removesuffix(b"\r")) is not None


def clears_screen(line: bytes) -> bool:
    """True if the line goes to the screen's top or clears it, as a dev server does when it starts anew."""
    return re.search(_CLEARS, line) is not None
