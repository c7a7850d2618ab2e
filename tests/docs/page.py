"""A page of the documentation as a reader follows it: files to write, commands to type, and what they then see.

A block with a title is a file. In a `console` block a line after `$ ` is a command, and what follows is what it prints:
`…` stands for any text in a line, and alone for any lines. A comment `<!-- exits 1 -->` before a block is for its last
command; every other one has to exit 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = {
    **{page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))},
    "README.md": (DOCS.parent / "README.md").read_text(encoding="utf-8"),
}
"""Every page that is tested, by its path below docs."""
BLOCK = re.compile(
    r"^(?:<!-- exits (?P<code>\d+) -->\n)?```(?P<kind>\w+)(?: title=\"(?P<file>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Written:
    """A file that the reader writes."""

    name: str
    text: str


@dataclass(frozen=True)
class Typed:
    """A command that the reader types, what the page shows of its output, and its exit code."""

    command: str
    output: str
    code: int


def steps(markdown: str) -> Iterator[Written | Typed]:
    """What a reader of this page does, in order."""
    for block in BLOCK.finditer(markdown):
        if block["file"]:
            yield Written(block["file"], block["text"])
        elif block["kind"] == "console":
            yield from _commands(block["text"], int(block["code"] or 0))


def _commands(text: str, code: int) -> Iterator[Typed]:
    assert text.startswith("$ "), text
    parts = re.split(r"^\$ ", text, flags=re.M)[1:]
    for number, part in enumerate(parts, 1):
        command, _, output = part.partition("\n")
        yield Typed(command, output, code if number == len(parts) else 0)


def pattern(output: str) -> re.Pattern[str]:
    """What may be seen where the page shows this."""
    lines = [
        r"(?:.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"[ ]*\n"
        for line in output.splitlines()
    ]
    return re.compile("".join(lines))


def commands_and_outputs(markdown: str) -> tuple[int, int]:
    """How many commands this page has, and how many of them show what they print."""
    typed = [step for step in steps(markdown) if isinstance(step, Typed)]
    return len(typed), sum(bool(step.output) for step in typed)
