"""Launchers for the tests of this folder; nothing of them is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .launched import InPane, Piped


@pytest.fixture
def launched(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Piped]:
    """A launcher, with the patch that a test gives as its parameter."""
    made = Piped(tmp_path, patch=getattr(request, "param", ""))
    yield made
    made.close()


@pytest.fixture
def pane(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[InPane]:
    """The same in a pane."""
    made = InPane(tmp_path, patch=getattr(request, "param", ""))
    yield made
    made.close()
