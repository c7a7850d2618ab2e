"""Which part of a workspace is meant."""

from __future__ import annotations

import pytest

from sentinel_tasks.decisions.selection import Part, selected, unknown_groups
from tests.facts import service

SERVICES = [
    service("web", groups=("frontend",)),
    service("docs", groups=("frontend", "slow"), autostart=False),
    service("db"),
    service("mail", autostart=False),
]


@pytest.mark.parametrize(
    ("part", "names"),
    [
        (Part(), ["web", "db"]),
        (Part(groups=["frontend"]), ["web", "docs"]),
        (Part(groups=["slow", "frontend"]), ["web", "docs"]),
        (Part(only=["mail"]), ["mail"]),
        (Part(only=["mail"], groups=["slow"]), ["mail", "docs"]),
        (Part(without=["db"]), ["web"]),
        (Part(groups=["frontend"], without=["web"]), ["docs"]),
        (Part(only=[]), []),
    ],
)
def test_a_part_of_a_workspace(part: Part, names: list[str]) -> None:
    assert selected(SERVICES, part) == names


def test_groups_that_nobody_is_in() -> None:
    assert unknown_groups(SERVICES, Part(groups=["slow", "fast"])) == ["fast"]
