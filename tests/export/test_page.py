"""The page about handing over says what the code does."""

from __future__ import annotations

from pathlib import Path

from sentinel_tasks.export import TARGETS
from sentinel_tasks.export.table import in_page

PAGE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "hand-over.md"


def test_the_table_on_the_page_is_made_from_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert in_page(page, list(TARGETS.values())) == page, "python -m sentinel_tasks.export docs/how-to/hand-over.md"


def test_the_page_has_a_column_for_each_target_and_names_every_loss() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"| | {' | '.join(TARGETS)} |" in page
    for target in TARGETS.values():
        assert all(row.lost in page.replace("\\|", "|") for row in target.rows)
