"""How one stream may be written to: signs, colour, emoji. The only place that knows colorama."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from msgspec import Struct

SIGNS = {
    "ok": ("✅", "[ok]"),
    "bad": ("❌", "[x]"),
    "warn": ("⚠️", "[!]"),
    "status": ("📊", "=="),
    "workers": ("👷", "-"),
    "tmux": ("📦", "=="),
    "hints": ("💡", "--"),
    "wait": ("⏳", "..."),
    "rule": ("━", "-"),
}
COLOURS = {"ok": "GREEN", "bad": "RED", "warn": "YELLOW"}
ADDED_BY_PYTHON = ("C.UTF-8", "C.utf8", "UTF-8")
"""As LC_CTYPE, where the locale was C (PEP 538)."""
PALETTE = ("CYAN", "MAGENTA", "YELLOW", "GREEN", "BLUE", "RED")


class Style(Struct, frozen=True):
    """How one stream may be written to."""

    emoji: bool
    colour: bool
    live: bool = False

    def sign(self, name: str) -> str:
        """The sign of that name, coloured if it stands for good or bad."""
        shown = SIGNS[name][0 if self.emoji else 1]
        return self.paint(shown, COLOURS[name]) if name in COLOURS and not self.emoji else shown

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour of colorama's, or as it is."""
        if not self.colour:
            return text
        from colorama import Fore
        from colorama import Style as Bright

        return f"{getattr(Fore, colour)}{text}{Bright.RESET_ALL}"

    def quiet(self, text: str) -> str:
        """The text as something that only stands beside what matters, or as it is."""
        if not self.colour:
            return text
        from colorama import Style as Bright

        return f"{Bright.DIM}{text}{Bright.RESET_ALL}"

    def hue(self, text: str, names: Sequence[str], name: str) -> str:
        """The text in the colour of this name, which differs from that of the next names."""
        return self.paint(text, PALETTE[names.index(name) % len(PALETTE)])


def style_of(stream: TextIO, environ: Mapping[str, str]) -> Style:
    """What this stream can show: emoji where the locale is UTF-8, colour on a terminal (contract: Tasks, Output)."""
    terminal = stream.isatty() and environ.get("TERM") != "dumb"
    forced = environ.get("FORCE_COLOR", "") not in ("", "0")
    colour = (terminal or forced) and not environ.get("NO_COLOR")
    encoding = _locale(environ).partition("@")[0].lower().replace("-", "")
    return Style(encoding.endswith("utf8"), colour, terminal)


def _locale(environ: Mapping[str, str]) -> str:
    """The locale of characters, as the caller chose it."""
    ctype, lang = environ.get("LC_CTYPE"), environ.get("LANG")
    if lang in ("C", "POSIX") and ctype in ADDED_BY_PYTHON:
        ctype = lang
    return environ.get("LC_ALL") or ctype or lang or ""
