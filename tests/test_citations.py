"""What is cited is there: the sections of docs/contract.md in code and tests, files and names in CONTRIBUTING.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.contract import CONTRACT

ROOT = Path(__file__).parents[1]
FILES = [path for folder in ("sentinel_tasks", "tests", "bench") for path in sorted((ROOT / folder).rglob("*.py"))]
HEADINGS = [(len(signs), name) for signs, name in re.findall(r"^(##+) (.+)$", CONTRACT, re.M)]


@cache
def sections() -> dict[str, set[str]]:
    """The names of the sections below each chapter."""
    found: dict[str, set[str]] = {}
    for depth, name in HEADINGS:
        if depth == 2:
            chapter = name
            found[chapter] = set()
        else:
            found[chapter].add(name)
    return found


def is_there(citation: str) -> bool:
    """True for `Chapter`, `Chapter, Section`, and several chapters."""
    below = sections()
    chapter, *names = re.split(r", ", citation)
    return chapter in below and all(name in below[chapter] or name in below for name in names)


def cited(path: Path) -> Iterator[str]:
    """What the file names of the contract."""
    text = re.sub(r"\n\s*(?:#\s*)?", " ", path.read_text(encoding="utf-8"))
    for part in re.findall(r"[Cc]ontract: ([A-Z][A-Za-z ,:;]*?)[).`]", text):
        yield from re.split(r"[;:] ", part)


def test_every_section_that_is_cited_is_in_the_contract() -> None:
    """One test for all files: each of its own would cost pytest much more than it takes."""
    found = [(path, each) for path in FILES for each in cited(path)]
    assert len(found) > 100
    assert [f"{path.relative_to(ROOT)}: {each}" for path, each in found if not is_there(each)] == []


def test_every_file_and_name_that_contributing_tells_to_touch_is_there() -> None:
    """A name without a capital or an underscore may be a word of English, and is not looked for."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`([\w./-]+\.(?:py|md|toml))`", page))
    named = {path for path in paths if (ROOT / path).exists() or any(f"{file}".endswith(f"/{path}") for file in FILES)}
    names = set(re.findall(r"`(_?[A-Z][A-Z_]+|_[a-z_]+|[a-z]+_[a-z_]+)`", page))
    known = set(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in FILES)))
    assert len(names) > 50
    assert (paths - named, names - known) == (set(), set())
