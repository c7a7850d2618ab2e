"""The table of what becomes what, and of what gets lost, made from the rows that do it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .rows import FACTS, Row, Target

BEGIN, END = "<!-- made by python -m sentinel_tasks.export -->", "<!-- end -->"


def markdown(targets: Sequence[Target]) -> str:
    """For each fact, what each target makes of it; what may get lost is in italics."""
    return "".join(f"{line}\n" for line in _lines(targets))


def _lines(targets: Sequence[Target]) -> Iterator[str]:
    yield f"| | {' | '.join(target.name for target in targets)} |"
    yield "|---" * (len(targets) + 1) + "|"
    for fact in FACTS:
        yield f"| **{fact}** | {' | '.join(_cell(_row(target, fact)) for target in targets)} |"


def _row(target: Target, fact: str) -> Row:
    return next(row for row in target.rows if row.fact == fact)


def _cell(row: Row) -> str:
    lost = f"<br>*lost: {row.lost}*" if row.lost else ""
    return f"{row.becomes}{lost}".replace("|", "\\|")


def in_page(page: str, targets: Sequence[Target]) -> str:
    """The page with the table between its two marks made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown(targets)}{END}{after}"
