"""Every command in a `console` block of the documentation is typed, in order, and prints what the page shows."""

from __future__ import annotations

import pytest

from tests.docs.page import PAGES, Typed, Written, commands_and_outputs, pattern, steps
from tests.docs.reader import Reader
from tests.lab import Lab

PROJECTS = {"how-to/django-vite.md"}
"""Pages for a project that has more than they say."""
NEW = {"how-to/first-files.md", "how-to/sentinel.md"}
"""Pages for a project that has no tasks file yet."""
FOLLOWED = [name for name, text in PAGES.items() if commands_and_outputs(text)[0]]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FOLLOWED)
def test_who_follows_the_page_sees_what_it_shows(name: str, lab: Lab) -> None:
    reader = Reader(lab)
    if name in PROJECTS:
        reader.has(PAGES[name])
    if name in NEW:
        (reader.path / "tasks.py").unlink()
    for step in steps(PAGES[name]):
        reader.follow(step)


def test_a_page_shows_any_text_and_any_lines_by_an_ellipsis() -> None:
    shown = pattern("a … c\n…\nend\n")
    assert shown.fullmatch("a b c\nx\ny\nend\n")
    assert shown.fullmatch("a b c\nend\n")
    assert not shown.fullmatch("a b d\nend\n")
    assert not shown.fullmatch("a b c\nend\nmore\n")


def test_a_command_is_told_from_what_it_prints() -> None:
    page = '```text title="a"\nx\n```\n\n<!-- exits 3 -->\n```console\n$ one\n$ two\nsaid\n```\n'
    assert [*steps(page)] == [Written("a", "x\n"), Typed("one", "", 0), Typed("two", "said\n", 3)]
