"""The door to signals tells of them what the public module does."""

from __future__ import annotations

import signal

from sentinel_tasks.lineage.signals import name_of, named, number_of


def test_every_signal_has_its_name() -> None:
    for one in signal.Signals:
        assert name_of(one.value) == one.name
        assert named(one.name.removeprefix("SIG")) == number_of(one.name) == one


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert name_of(40) == "SIG40"
    assert [number_of(each) for each in ("SIG40", "SIG_DFL", "signal", "")] == [None] * 4
