"""What docs/contract.md says, for tests that compare it with the code."""

from __future__ import annotations

import re
from pathlib import Path

CONTRACT = (Path(__file__).parents[1] / "docs" / "contract.md").read_text(encoding="utf-8")


def table(header: str) -> dict[str, list[str]]:
    """The rows of the table with this header by their first cell, without the signs that set code apart."""
    lines = [line.strip() for line in CONTRACT.splitlines()]
    rows = lines[lines.index(header) + 2 :]
    cells = [[cell.strip().replace("`", "") for cell in row.split("|")[1:-1]] for row in rows[: rows.index("")]]
    return {first: rest for first, *rest in cells}


def words(text: str) -> set[str]:
    """The words of lower-case letters and hyphens in a text."""
    return set(re.findall(r"[a-z][a-z-]*", text))
