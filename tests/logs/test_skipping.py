"""What grep passes over is what nobody asked for: searches with it and without it give the same, of any bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.logs.grep import is_there
from sentinel_tasks.logs.grep_pattern import grep_pattern
from sentinel_tasks.logs.search import Search
from sentinel_tasks.logs.wanted import Asked, Place, Wanted

from .test_search import BEGIN, Writer, Written

pytestmark = pytest.mark.usefixtures("_closing_logs")

Found = tuple[list[tuple[float, bytes]], Place]


def found(path: Path, wanted: Wanted, least: int, at_once: int = 8, longest: int = 60) -> Found:
    """What is found if grep is started for so many bytes, which are read in such blocks."""
    with (
        patch("sentinel_tasks.logs.skipping.LEAST", least),
        patch("sentinel_tasks.logs.skipping.AT_ONCE", at_once),
        patch("sentinel_tasks.logs.rotation.KEPT", 10 * at_once),
        patch("sentinel_tasks.logs.skipping.LONGEST_LINE", longest),
        patch("sentinel_tasks.logs.skipping._BLOCK", 5),
        patch("sentinel_tasks.logs.reader.AT_ONCE", at_once),
        patch("sentinel_tasks.logs.reader.LONGEST_LINE", longest),
        Search(path, wanted, is_written=False) as search,
    ):
        assert search.begin()
        return list(search.found()), search.place()


def same(path: Path, wanted: Wanted) -> Found:
    """What is found by grep, if it is what is found without it."""
    by_grep = found(path, wanted, least=1)
    without = found(path, wanted, least=1 << 40)
    assert by_grep[0] == without[0]
    assert by_grep[1] == without[1] or wanted.until is not None  # it stops behind a line that nobody asks for
    return by_grep


PARTS = st.sampled_from(
    [
        b"a", b"b", b"ab", b"abc", b"ABC", b"1", b"23", b" ", b".", b"-", b"]", b"^", b"[", b"\\", b"{", b"\t",
        b"\n", b"\n", b"\n", b"\r", b"\x00", b"\x1d", b"\xff", b"\xe2\x82", b"\xc3", "é".encode(), "É".encode(),
        "\u212a".encode(), "ſı".encode(), b"\xa0", "\xa0".encode(), "\ufffd".encode(), "😀".encode(), b"\x1b[31m",
        b"\x1b[0m", b"\x1b[K", b"\x1b]0;ab\x07", b"\x1b", b"x" * 70, b"-\n" * 12, b"ERROR ab",
        b"E1126 04:00:00 ",
        b"1:M 26 Nov 2026 04:22:11.123 # x", b'{"level":50}', b'{"k":"abc"}', rb'{"k":"a\u0062c"}', b"k=abc",
        b"INFO x", b"warn: b", b"  at x",
    ]
)  # fmt: skip
FEW = [b"a", b"b", b"a\x1b[31mb", b"1\x1b]0;\x07", b"\n", b"\r", "é".encode(), "\u212a".encode(), b"\xff", "ſ".encode()]
TEXTS = st.one_of(
    st.lists(PARTS, max_size=30), *(st.lists(st.sampled_from(few), min_size=9, max_size=30) for few in (FEW, FEW[:6]))
).map(lambda parts: b"--\n" * 4 + b"".join(parts))
"""Behind some lines that are read before it is known that more follow."""
WORDS = st.sampled_from(
    [
        "a", "b", "ab", "abc", "é", ".", "^", "$", " ", r"\s", r"\S", r"\d", r"\w", r"\b", r"\.", "[ab]", "[^a]",
        "(a|b)", "|", "(?:ab)", "(?=b)", "(?!b)", r"\x1d", r"\x00", r"[\x00a]", "(?i:A)", "(?i:k)", r"\W", r"\D",
        r"[^\s1]", "(abc|b|é)", "(?<!a)", "(?<=b)", r"\B", r"\A", r"\Z", "(?s:.)", "(?m:^)", "[a-c]",
        r"(a)?(?(1)b|c)", r"[]^\\-]", "[-^]", r"[\[.]", r"[^]\n-]", r"\]", r"\[", r"\{", "\ufffd", "😀", "\xa0",
        r"[\d\t]", "[é-ü]", "[^é]", r"(?a:\w)", "(ab|)", "i", "s", r"(b)\1", "x{30}", r"\t", r"\^", r"\\", r"\$",
        "(?>a|ab)", "a*+",
    ]
)  # fmt: skip
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "*?", "+?", "{0,1}", "{0}", "{2,}", "{1,40}"])


def expression(flags: str, parts: list[tuple[str, str]]) -> str | None:
    text = flags + "".join(f"{word}{quantifier}" for word, quantifier in parts)
    try:
        re.compile(text)
    except re.error:  # (?>a) is of Python 3.11
        return None
    return text


FEW_WORDS = st.sampled_from(["a", "b", ".", "[ab]", r"\d", "k", "s", "^", "$", r"\w", "(a|1)", "é", "[^b]"])
FLAGS = st.sampled_from(["", "", "(?i)", "(?s)", "(?m)", "(?x)", "(?a)", "(?ia)"])
EXPRESSIONS = st.one_of(
    st.builds(expression, FLAGS, st.lists(st.tuples(WORDS, QUANTIFIERS), min_size=1, max_size=5)),
    st.builds(expression, FLAGS, st.lists(st.tuples(FEW_WORDS, st.sampled_from(["", "+"])), min_size=1, max_size=4)),
    st.sampled_from(["ab", "é|ba", "(?i)AB|k", "(?i)s1", "ab|", "(?i)é", "ab|b{2}a", "\ufffd", "a 1", "(?i)ka"]),
).filter(bool)  # fmt: skip


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "web.log"


@given(EXPRESSIONS, TEXTS)
def test_lines_with_a_match_are_not_passed_over(path: Path, pattern: str, text: bytes) -> None:
    path.write_bytes(text)
    same(path, Wanted(Asked(grep=pattern)))


ODD = {
    "a text in colours": ("abc", b"ab\x1b[31mc"),
    "an expression in colours": (r"ab+\d", b"a\x1b[1mb\x1b[0mb\x1b[K1"),
    "a title in a word": ("abc", b"ab\x1b]0;title\x07c"),
    "behind a colour": ("^ab+", b"\x1b[31mabb"),
    "before a colour": ("ab+$", b"abb\x1b[0m"),
    "the last state of a rewritten line": ("^ab+$", b"x\rabb\r"),
    "a place that is asked for twice": (r"^^\wb+$$", b"x\rabb\x1b[0m"),
    "any character of several bytes": ("^a.b$", "a😀b".encode()),
    "bytes that are no text": (r"a\W\Wb", b"a\xff\xffb"),
    "what bytes that are no text are shown as": ("a\ufffd", b"a\xff"),
    "letters that are others where case is ignored": ("(?i)risk", "RıſK".encode()),
    "the same in an expression": ("(?i)r[i]s+\u212a", b"risk"),
    "NUL": (r"a\x00b", b"a\x00b"),
    "a set with all that sets are written with": (r"\d[]^\\[-]{5}\d", b"1]^\\[-2"),
    "a caret and a hyphen": ("[-^]b+", b"^bb"),
    "signs that grep knows": (r"\{\}\.\*\+\?\|\(\)\[\$\^\d", b"{}.*+?|()[$^1"),
    "often repeated": (r"(?:ab){25}\d", b"ab" * 25 + b"1"),
    "what is repeated": (r"(a|b)c\1", b"acb aca"),
}


@pytest.mark.parametrize(("pattern", "line"), ODD.values(), ids=ODD)
def test_line_is_found_with(path: Path, pattern: str, line: bytes) -> None:
    path.write_bytes(b"--\n" * 4 + line + b"\n--\n")
    assert [each for _, each in same(path, Wanted(Asked(grep=pattern)))[0]] == [line]


WRITES = st.lists(st.builds(Written, st.integers(1, 3), TEXTS), max_size=8)
ASKED = st.sampled_from(
    [
        Asked(grep="abc"), Asked(grep="^a"), Asked(grep=r"b\d"), Asked(grep="a", invert=True), Asked(level="warn"),
        Asked(level="error"), Asked(level="fatal"), Asked(fields=(("k", "abc"),)), Asked(grep="x", level="error"),
        Asked(grep="b", fields=(("k", "abc"),)), Asked(grep="b", invert=True, fields=(("k", "abc"),)),
    ]
)  # fmt: skip
TIMES = st.one_of(st.none(), st.integers(0, 20).map(lambda after: BEGIN + after))


@given(WRITES, ASKED, TIMES, TIMES, st.one_of(st.none(), st.integers(1, 9)), st.integers(40, 400), st.booleans())
def test_search_finds_the_same_with_grep_through_rotations_and_runs(
    tmp_path_factory: pytest.TempPathFactory, writes: list[Written], asked: Asked, since: float | None,
    until: float | None, most: int | None, size: int, goes_on: bool,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("log") / "web.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sentinel_tasks.supervisor.capture.LONGEST_LINE", 30)  # so that lines go on in the next file
        writer = Writer(path, size, 500, patch)
        for each in writes:
            writer.write(each)
    same(path, Wanted(asked, since, until, Place() if goes_on else None, most))


SPELLED = [b'{"k":"abc"}', b'{"k":"ab\x1b[31mc"}', rb'{"k":"a\u0062c"}', rb'{"k":"abc","x":"\n"}', b"k=abc"]
FIELD = Wanted(Asked(fields=(("k", "abc"),)), after=Place())


@pytest.mark.parametrize("others", [SPELLED[:1], SPELLED], ids=["plain", "with colours and codes"])
@pytest.mark.parametrize("line", SPELLED)
def test_value_is_found_however_it_is_spelled_in_the_same_file_and_others(
    tmp_path: Path, line: bytes, others: list[bytes]
) -> None:
    for number, each in enumerate([line, *others], 1):
        (tmp_path / f"web.log.{number}").write_bytes(b"--\n" * 9 + each + b"\n--\n")
    path = tmp_path / "web.log"
    path.write_bytes(b"--\n" * 9)
    assert [each for _, each in same(path, FIELD)[0]] == [*others[::-1], line]


@pytest.mark.parametrize("line", SPELLED)
def test_value_that_comes_while_a_plain_file_is_searched_is_found(path: Path, line: bytes) -> None:
    path.write_bytes(b"--\n" * 9 + SPELLED[0] + b"\n" + b"--\n" * 9)
    with patch("sentinel_tasks.logs.skipping.LEAST", 1), Search(path, FIELD, is_written=True) as search:
        assert search.begin()
        lines = search.found()
        seen = [next(lines)[1]]
        with path.open("ab") as file:
            file.write(line + b"\n")
        seen += [each for _, each in lines]
        place = search.place()
    with Search(path, FIELD._replace(after=place), is_written=True) as search:
        assert search.begin()
        assert [*seen, *(each for _, each in search.found())] == [SPELLED[0], line]


LINES = b"--\nab\n" * 40


def test_search_finds_as_much_where_so_many_lines_are_found_that_grep_is_no_help(path: Path) -> None:
    path.write_bytes(LINES)
    with patch("sentinel_tasks.logs.grep.FEW", 2):
        assert len(same(path, Wanted(Asked(grep="ab")))[0]) == 40


@pytest.fixture
def _other_grep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> Iterator[None]:
    grep = tmp_path / "grep"
    if program:
        grep.write_text(f"#!/bin/sh\n{program}\n")
        grep.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    is_there.cache_clear()
    yield
    is_there.cache_clear()


GNU = '[ "$1" = --version ] && echo "grep (GNU grep) 3.8" && exit'


@pytest.mark.parametrize(
    "program", ["", "echo 'grep (BSD grep, GNU compatible) 2.6.0'", f"{GNU}; exit 2", f"{GNU}; echo 0:; kill -9 $$"]
)
@pytest.mark.usefixtures("_other_grep")
def test_search_finds_as_much_where_grep_is_another_or_has_no_memory(path: Path) -> None:
    path.write_bytes(LINES)
    assert len(same(path, Wanted(Asked(grep="ab")))[0]) == 40


def test_nothing_is_told_of_what_an_expression_may_mean_one_day() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grep_pattern("[[a]b+") is not None


def test_long_line_is_given_in_parts_as_without_grep(path: Path) -> None:
    path.write_bytes(LINES.replace(b"ab", b"-") + b"x" * 59 + b"aby" * 60 + b"\n" + LINES + b"x" * 130)
    assert same(path, Wanted(Asked(grep="^a|^b|y$")))[0]
