"""Lines counted in blocks are as many of each level as looking at one after another tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sentinel_tasks.logs.levels import ALL_WORDS, CLEAR_WORDS, LEVELS, MOST_LOOKED_AT, Entries, level_named, level_told
from sentinel_tasks.logs.search import Search
from sentinel_tasks.logs.tally import Tally
from sentinel_tasks.logs.wanted import Asked, Stats, Wanted
from sentinel_tasks.text.sanitize import is_only_annotations, printed

from .test_search import BEGIN, Written, rotated_log

pytestmark = pytest.mark.usefixtures("_closing_logs")

WORDS = ["ERROR", "error", "Err", "WARN", "warning", "INFO", "info", "LOG", "log", "fine", "FINE", "ALERT", "alert"]
WORDS += ["NOTICE", "emergency", "inf", "errors"]
SIGNS = [
    "_",
    "-",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    " ",
    ": ",
    "] ",
    ":",
    "  ",
    "\t",
    "\xa0",
    "1",
    "/",
    "x",
    "é",
    "ſ",
    "{",
    "}",
]
BEGINS = [
    "E1126 04:", "I, [", "1:M 26 Nov 2026 04:22:11.123 # ", "Traceback (most recent call last)",
    "2026-11-26 10:00:00,123 ",
    "2026-11-26T10:00:00.1Z ", "[2026-11-26T10:00:00+02:00] ", "level=error ", "lvl=warn", "a" * 290,
]  # fmt: skip
TEXTS = st.lists(st.sampled_from([*WORDS, *SIGNS, *BEGINS]), max_size=8).map("".join)
KEYS = ["level", "severity", "lvl", "log.level", "loglevel", "@level", "severity_text", "log", "log", "a"]
VALUES = [
    '"info"', '"ERROR"', "30", "50", "null", '"x"', "{}", "[1]", "-0", "1e1", "true", r'"\u0069nfo"', '" warn "',
    "9" * 25,
    '{"level":"error"}', '{"level":null}', '{"x":"}"}',
]  # fmt: skip
OBJECTS = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=3).map(
    lambda pairs: "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
)
ODD = st.sampled_from(
    ["", "\x1b[31mERROR\x1b[0m: x", "x\rERROR y", "\x1b[KINFO: x", "{}{}", '{"level":"info"', "  at x", "\x00"]
)
LINES = st.one_of(
    st.lists(OBJECTS, max_size=6), st.lists(TEXTS, max_size=8), st.lists(st.one_of(TEXTS, OBJECTS, ODD), max_size=8)
)

SAID = re.compile(
    rf"(?<![\w-])(?P<capitals>{'|'.join(CLEAR_WORDS)})(?![\w-])"
    rf"|[\[<(]\s*(?P<bracketed>(?i:{'|'.join(ALL_WORDS)}))\s*[\]>)]"
    rf"|(?:^|: |\] )(?P<led>(?i:{'|'.join(ALL_WORDS)})):"
    r"|^(?P<letter>[DIWEFA])(?:\d{4} \d\d:|, \[)"
    r"|^\d+:[XCSM] \d\d \w{3} \d{4} [\d:.]+ (?P<sign>[.*#-]) "
    r"|^(?P<traceback>Traceback \(most recent call last\))"
)
SIGNIFIED = {"E": "error", "I": "info", "#": "warn", "Traceback (most recent call last)": "error"}
"""A word that tells a level, as the contract has it."""


@given(TEXTS)
def test_level_is_that_of_the_first_word_that_tells_one(text: str) -> None:
    if not text.startswith("{") and not any(key in text for key in ("level", "lvl")):
        found = SAID.search(text[:MOST_LOOKED_AT])
        said = found[str(found.lastgroup)] if found else ""
        assert level_told(text)[0] == (SIGNIFIED.get(said) or level_named(said))


@given(LINES, LINES, st.booleans())
@example(["ERROR"], ['{"level":"info"}', "{}"], True)
@example(["ERROR"], ['{"level":', '1}{"level":"info"}'], True)
@example(['{"level":"info"}', '{"level":"info"}{}', "", "{}"], [], True)
def test_lines_of_a_block_are_counted_as_one_by_one(one: list[str], other: list[str], is_text: bool) -> None:
    tally, single = Tally(), Tally()
    for lines in (one, other):
        block = "".join(f"{line}\n" for line in lines).encode()
        block = block if is_text else block.replace(b"x", b"\xff")
        for line in block.split(b"\n")[:-1]:
            single.take(line, 1.0)
        if block:
            tally.take_block(block, 1.0, 1.0)
    single.take(b"plain", 1.0)  # which goes on with the last entry
    tally.take(b"plain", 1.0)
    assert (tally.lines, tally.bytes, tally.levels) == (single.lines, single.bytes, single.levels)


def counted(path: Path, wanted: Wanted) -> Stats:
    """What stats are to be, of the lines that are found."""
    levels, entries, kept = dict.fromkeys([*LEVELS, "none"], 0), Entries(), list[tuple[float, bytes]]()
    with Search(path, wanted, is_written=False) as search:
        assert search.begin()
        for when, line in search.found():
            if is_only_annotations(line):
                entries.end()
                continue
            kept.append((when, line))
            levels[entries.level_of(printed(line)) or "none"] += 1
    times = [when for when, _ in kept if when]
    return Stats(
        len(kept), sum(len(line) for _, line in kept), levels, times[0] if times else 0.0, kept[-1][0] if kept else 0.0
    )


TIMES = st.one_of(st.none(), st.integers(0, 20).map(lambda after: BEGIN + after))
WRITES = st.lists(
    st.builds(Written, st.integers(1, 3), LINES.map(lambda lines: "\n".join(lines).encode())), max_size=12
)


@given(WRITES, TIMES, TIMES, st.integers(20, 300), st.sampled_from([Asked(), Asked(), Asked(), Asked(grep="[iI]")]))
def test_stats_are_of_the_lines_that_are_found(
    tmp_path_factory: pytest.TempPathFactory, writes: list[Written], since: float | None, until: float | None,
    size: int, asked: Asked,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("log") / "web.log"
    rotated_log(path, writes, size)
    wanted = Wanted(asked, since, until)
    with pytest.MonkeyPatch.context() as patch, Search(path, wanted, is_written=False) as search:
        patch.setattr("sentinel_tasks.logs.reader.AT_ONCE", 50)
        assert search.begin()
        assert search.stats() == counted(path, wanted)
