"""A short run of the chaos that `make chaos` runs for minutes."""

from __future__ import annotations

from tests.chaos import Chaos
from tests.lab import Lab


def test_twelve_random_faults_break_no_promise(lab: Lab) -> None:
    chaos = Chaos(lab, seed=20)
    try:
        chaos.run(12)
    finally:
        chaos.clean()
    assert chaos.log
