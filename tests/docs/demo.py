"""Writes docs/demo.svg, the picture of README: a terminal in which commands are typed in the shop of the tutorial."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs.page import DOCS, Typed, Written, steps
from tests.docs.reader import Reader
from tests.lab import Lab, until

COMMANDS = ("inv web.start", "inv ps", "echo 'import nowhere' > worker.py", "inv worker.restart", "inv ps", "inv down")
COLUMNS, ROWS = 116, 36
WIDTH, HEIGHT, MARGIN = 8.4, 19, 16
"""Of a cell, in pixels."""
COLOURS = {31: "#e06c75", 32: "#98c379", 33: "#e5c07b", 34: "#61afef", 35: "#c678dd", 36: "#56b6c2", 90: "#7f848e"}
STYLE = re.compile(r"\x1b\[([\d;]*)m")
HEAD = """<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height}" viewBox="0 0 {width:g} {height}">
<title>Three services are started, one is broken, its failure is told with its cause, all are stopped</title>
<style>
text {{ font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #dcdfe4; white-space: pre }}
.bold {{ font-weight: bold }}
@keyframes show {{ from {{ opacity: 0 }} }}
g {{ animation: show 1ms backwards }}
@media (prefers-reduced-motion) {{ g {{ animation: none }} }}
</style>
<rect width="100%" height="100%" rx="8" fill="#22252b"/>
"""


class Terminal:
    """A shell in a tmux of its own, which draws what a person would see."""

    def __init__(self, reader: Reader) -> None:
        self.lab = reader.lab
        environ = [f"{name}={value}" for name, value in {**reader.ports, "PS1": "$ "}.items()]
        size = ["-x", str(COLUMNS), "-y", str(ROWS), "-c", str(reader.path)]
        self._tmux("new-session", "-d", *size, "env", *environ, "bash", "--norc", "--noprofile")
        until(self._waits, "the prompt")

    def type(self, command: str) -> float:
        """Types the command and waits for its end: how many seconds it took."""
        began = time.monotonic()
        self._tmux("send-keys", "-l", command)
        self._tmux("send-keys", "Enter")
        until(lambda: command in self.seen() and self._waits(), command)
        return time.monotonic() - began

    def seen(self) -> str:
        """The screen, with its colours."""
        return self._tmux("capture-pane", "-e", "-p")

    def _waits(self) -> bool:
        return self._tmux("capture-pane", "-p").rstrip("\n").endswith("$")

    def _tmux(self, *words: str) -> str:
        return self.lab.tmux(*words, socket_name="terminal")


@dataclass(frozen=True)
class Run:
    """Characters of one style, and the column at which they begin."""

    column: int
    text: str
    codes: tuple[int, ...]


def runs(line: str) -> Iterator[Run]:
    """A line's characters by style; a character that is two columns wide stands alone, so that nothing moves."""
    column, codes = 0, tuple[int, ...]()
    for number, part in enumerate(STYLE.split(line)):
        if number % 2:
            given = tuple(int(code or 0) for code in part.split(";"))
            codes = () if given[-1:] == (0,) else tuple(code for code in (*codes, *given) if code)
            continue
        for text in re.findall(r"[\U00002600-\U0001faff]|[^\U00002600-\U0001faff]+", part):
            yield Run(column, text, codes)
            column += sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def drawn(line: str, row: int) -> str:
    """The line as SVG."""
    y = MARGIN + HEIGHT * row + 14
    return "".join(_text(run, y) for run in runs(line) if run.text.strip())


def _text(run: Run, y: int) -> str:
    colour = next((f' fill="{COLOURS[code]}"' for code in reversed(run.codes) if code in COLOURS), "")
    bold = ' class="bold"' if 1 in run.codes else ""
    style = colour.replace(' fill="', ' style="fill:')
    return f'<text x="{MARGIN + run.column * WIDTH:g}" y="{y}"{style}{bold}>{escape(run.text.rstrip())}</text>\n'


def picture(screen: str, seconds: list[float]) -> str:
    """The screen as SVG; each command appears when it was typed, its output when it had ended."""
    lines = screen.rstrip("\n").splitlines()
    parts, began, number = (
        [HEAD.format(width=2 * MARGIN + COLUMNS * WIDTH, height=2 * MARGIN + HEIGHT * len(lines))],
        0.0,
        0,
    )
    for row, line in enumerate(lines):
        if STYLE.sub("", line).startswith("$ ") and number < len(seconds):
            shown, began, number = began, began + 1 + seconds[number], number + 1
        else:
            shown = began
        parts.append(f'<g style="animation-delay:{shown:.1f}s">\n{drawn(line, row)}</g>\n')
    return "".join([*parts, "</svg>\n"])


def record(folder: Path) -> str:
    """Types the commands in a workspace of the tutorial's files."""
    lab = Lab(folder)
    reader = Reader(lab)
    reader.ports = {}  # nothing that has a usual port is started
    for step in steps((DOCS / "tutorial.md").read_text(encoding="utf-8")):
        if isinstance(step, Written):
            reader.follow(step)
    try:
        terminal = Terminal(reader)
        seconds = [terminal.type(command) for command in COMMANDS]
        return picture(reader.as_usual(terminal.seen()), seconds)
    finally:
        reader.follow(Typed("inv down", "", 0))
        lab.close()


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        (DOCS / "demo.svg").write_text(record(Path(name)), encoding="utf-8")
