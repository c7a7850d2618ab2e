"""Launchers for the tests of this folder; nothing of them is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .launched import InPane, Piped


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Piped]:
    made = Piped(tmp_path)
    yield made
    made.close()


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[InPane]:
    made = InPane(tmp_path)
    yield made
    made.close()
