"""The bench's pure parts; what it measures is no test."""

from __future__ import annotations

from bench.rows import Row, at_most, ratio


def test_a_ratio_is_the_median_of_pairs_and_misses_its_limit_only_above_it() -> None:
    assert ratio("ps", [1.0, 4.0, 9.0], [1.0, 2.0, 3.0], 2.0) == Row("ps", "<= 2.00 x", "2.00 x (4.000 s / 2.000 s)")
    assert not ratio("ps", [2.1], [1.0], 2.0).holds


def test_a_missed_limit_is_named_and_a_figure_without_one_is_only_told() -> None:
    assert str(at_most("down", 2.5, 2, "s")).split() == ["down", "<=", "2", "s", "2.5", "s", "MISSED"]
    assert str(Row("ps of 2", "", "0.3 s")).split() == ["ps", "of", "2", "0.3", "s"]
