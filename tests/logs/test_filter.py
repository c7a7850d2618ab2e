"""Which lines are asked for: what is found in blocks of bytes is what looking at each line would find."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.logs.expression import Expression
from sentinel_tasks.logs.fields import fields_of, value_of
from sentinel_tasks.logs.filter import Filter
from sentinel_tasks.logs.find import finder
from sentinel_tasks.logs.levels import KEYS, LEVELS, WORDS, level_named, level_told
from sentinel_tasks.logs.wanted import Asked


def looking_at_each(asked: Asked, lines: Sequence[bytes]) -> list[bytes]:
    each = Filter(asked)
    return [line for line in lines if each.keeps(line)]


def found(asked: Asked, block: bytes) -> list[bytes]:
    each, seen = Filter(asked), []
    for place in each.select(block):
        line = block[place : block.index(b"\n", place)]
        seen += [line] if each.keeps(line) else []
    return seen


def texts(asked: Asked, *lines: str) -> list[str]:
    block = "".join(f"{line}\n" for line in lines).encode()
    seen = found(asked, block)
    assert seen == looking_at_each(asked, block.split(b"\n")[:-1])
    return [line.decode() for line in seen]


# Levels

SAYING = {
    "INFO:     Started server process [1]": "info",
    "WARNING:root:disk is nearly full": "warn",
    "[2026-11-26 10:00:00,123: ERROR/MainProcess] Task failed": "error",
    "2026/11/26 04:00:01 [error] 12#12: *1 open() failed": "error",
    "2026-11-26 04:00:00.1 UTC [12] FATAL:  no such database": "fatal",
    "2026-11-26 04:00:00.1 UTC [12] LOG:  ready": "info",
    "E1126 04:00:00.1 1 x.go:1] bad": "error",
    "W, [2026-11-26T04:00:00] WARN -- : slow": "warn",
    "1:M 26 Nov 2026 04:22:11.123 # Server can't set maximum open files": "warn",
    "1:M 26 Nov 2026 04:22:11.123 * Ready to accept connections": "info",
    "npm ERR! code ENOENT": "error",
    "error: could not compile": "error",
    "src/a.c:1:2: warning: unused variable": "warn",
    "Traceback (most recent call last):": "error",
    '{"level":50,"msg":"pino"}': "error",
    '{"level": "warning"}': "warn",
    '{"severity":"CRITICAL"}': "fatal",
    '{"log":{"level":"debug"}}': "debug",
    'time=1 level=error msg="it failed"': "error",
    'msg="no ERROR at all" level=info': "info",
}


@pytest.mark.parametrize(("line", "level"), SAYING.items())
def test_level_is_what_the_line_says_where_programs_say_it(line: str, level: str) -> None:
    assert level_told(line)[0] == level


@pytest.mark.parametrize("key", KEYS)
def test_level_is_what_any_of_its_fields_says(key: str) -> None:
    assert level_told(f"{key}=error")[0] == level_told(f'{{"{key}": 50}}')[0] == "error"
    assert texts(Asked(level="error"), f"{key}=50", f'{{"{key}": "50"}}', f'{{"{key}" : 30}}') == [
        f"{key}=50", f'{{"{key}": "50"}}'
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["hello", '  File "x.py", line 1', "GET /a-ERROR-b 200", "all is fine", ""])
def test_line_that_tells_no_level_may_go_on_with_the_one_before(line: str) -> None:
    assert level_told(line) == (None, False)


def test_object_is_an_entry_of_its_own_and_nothing_belongs_to_it() -> None:
    assert level_told('{"msg":"an ERROR in words"}') == (None, True)
    lines = ["ERROR", "of it", '{"msg":"on"}', "plain", '{"level":"error"}', "plain"]
    assert texts(Asked(level="warn"), *lines) == [*lines[:2], lines[4]]


def test_every_word_means_its_level_in_any_case() -> None:
    for level, words in WORDS.items():
        assert {level_named(form) for word in words for form in (word, word.upper(), word.title())} == {level}
    assert level_named("loud") is None


def test_a_traceback_is_of_its_entry() -> None:
    lines = ["INFO ready", "ERROR it failed", "Traceback (most recent call last):", "  File", "ValueError", "INFO on"]
    assert texts(Asked(level="warn"), *lines) == lines[1:5]


# Fields


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ('{"status": 500, "ok": true, "no": null}', "status", "500"),
        ('{"status": 500, "ok": true, "no": null}', "ok", "true"),
        ('{"status": 500, "ok": true, "no": null}', "no", "null"),
        ('{"time": 1.50}', "time", "1.50"),
        ('{"req": {"id": "a b"}}', "req.id", "a b"),
        ('{"req.id": "a"}', "req.id", "a"),
        ('{"req": {"id": "a"}}', "req", None),
        (r'{"name": "caf\u00e9"}', "name", "café"),
        (r'level=info msg="said \"no\"" path=/x', "msg", 'said "no"'),
        ("2026 INFO done path=/x status=200", "status", "200"),
        ("a= b=1", "a", ""),
        ("a=1", "b", None),
    ],
)
def test_field_is_read_as_it_was_printed(line: str, name: str, value: str | None) -> None:
    fields = fields_of(line)
    assert fields is not None
    assert value_of(fields, name) == value


@pytest.mark.parametrize("line", ["", "plain words", "{not json}", '["a"]', "{" * 5000 + "}" * 5000])
def test_line_without_fields(line: str) -> None:
    assert fields_of(line) is None


def test_all_fields_have_to_be_so() -> None:
    lines = ['{"a":1,"b":2}', '{"a":1,"b":3}', "a=1 b=2", "a=12 b=2"]
    assert texts(Asked(fields=(("a", "1"), ("b", "2"))), *lines) == [lines[0], lines[2]]


# Regular expressions


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("timeout after \\d+ ms", {"timeout after "}),
        ("a+bcd", {"bcd"}),
        ("abc?d", {"abcd", "abd"}),
        ("xyz{2}cde", {"cde"}),
        (r"10\.0\.0\.1", {"10.0.0.1"}),
        ("timeout|refused: .*|no such", {"timeout", "refused: ", "no such"}),
        ("foo|fab", {"foo", "fab"}),
        ("errors?", {"error"}),
        ("ERROR (timeout|refused)", {"ERROR timeout", "ERROR refused"}),
        (r"\x41bcdef", {"Abcdef"}),
        ("(?i)Error", {"error"}),
        ("(?i:a)bcd", {"bcd"}),
        ("(?x) a b c", {"abc"}),
        ("(abc)?d*", set()),
        ("abc|d*", set()),
        (r"\d+", set()),
    ],
)
def test_texts_of_which_one_stands_in_whatever_matches(pattern: str, needed: set[str]) -> None:
    assert Expression(pattern).texts() == needed


@pytest.mark.parametrize("pattern", [r"\b[45]\d\d$", r"^.*[^\s,]x", r"(?<!a)b", r"(a|b)\1", "(?=.*b)a+"])
def test_lines_are_searched_together_where_no_match_reaches_over_an_end(pattern: str) -> None:
    assert Expression(pattern).stays_within_lines()


@pytest.mark.parametrize(
    "pattern", ["[^a]", r"\s", r"\W", "(?s)a.b", r"\Aa", r"a\Z", "(?s:.)", "(?-m:a$)", r"[\x00-a]"]
)
def test_lines_are_searched_one_by_one_where_a_match_may_reach_over_an_end(pattern: str) -> None:
    assert not Expression(pattern).stays_within_lines()


def test_nothing_is_told_of_what_an_expression_may_mean_one_day() -> None:
    assert finder("[[a]") is not None


def test_letters_that_are_ascii_where_case_is_ignored() -> None:
    """The search in lower case knows them."""
    among = re.compile("(?i)[a-z]")
    assert "".join(filter(among.match, map(chr, range(128, 0x110000)))) == "İıſ\u212a"


def test_colours_and_rewritten_states_do_not_count() -> None:
    lines = ["\x1b[31mERROR\x1b[0m: it", "10%\r20% ERROR: it\rdone", "\x1b]0;ERROR: it\x07title"]
    assert texts(Asked(grep="ERROR: it"), *lines) == lines[:1]


def test_inverted() -> None:
    assert texts(Asked(grep="GET", invert=True), "GET /", "POST /", "GET /a") == ["POST /"]


WORDS_OF_PATTERNS = st.sampled_from(
    ["a", "b", "ab", "abc", "é", ".", "^", "$", " ", r"\s", r"\S", r"\d", r"\w", r"\b", r"\.", "[ab]", "[^a]", "(a|b)",
     "|", "(?:ab)", "(?=b)", "(?!b)", r"\x1d", "(?i:A)", "(?i:k)", r"\W", r"\D", r"[^\s1]", "(abc|b|é)", "(?<!a)",
     "(?<=b)", r"\B", r"\A", r"\Z", "(?s:.)", "(?m:^)", "[a-c]", r"(a)?(?(1)b|c)"]
)  # fmt: skip
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "*?", "+?", "{0,1}"])
LINES = st.lists(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b",
                "abc",
                "é",
                "B",
                " ",
                ".",
                "1",
                "\x1d",
                "\x1b[31m",
                "\x1b[0m",
                "\r",
                "\x1b[K",
                "\x00",
                "\xa0",
                "\u212a",
            ]
        ),
        max_size=6,
    ).map("".join),
    max_size=8,
)


def pattern_of(flags: str, parts: list[tuple[str, str]]) -> str | None:
    text = flags + "".join(f"{word}{quantifier}" for word, quantifier in parts)
    try:
        re.compile(text)
    except re.error:
        return None
    return text


@given(
    st.builds(
        pattern_of, st.sampled_from(["", "", "(?i)", "(?s)", "(?m)", "(?x)"]),
        st.lists(st.tuples(WORDS_OF_PATTERNS, QUANTIFIERS), min_size=1, max_size=5),
    ).filter(bool), LINES, st.booleans(),
)  # fmt: skip
def test_expression_finds_in_a_block_what_it_finds_line_by_line(pattern: str, lines: list[str], invert: bool) -> None:
    texts(Asked(grep=pattern, invert=invert), *lines)


@given(
    st.sampled_from(
        [r"abc\d", "abcé", "abc$", "abc+", "abc[^x]", "abc.b", "abc|abé", r"abc\b", "abc(?=1)", "[x1]abc", "abc"]
    ),
    st.lists(st.lists(st.sampled_from([b"abc", b"ab", b"1", b"c", b"\xff", "é".encode(), b"\x1b[1m"])).map(b"".join)),
)
def test_text_that_matches_begin_with_is_found_in_bytes_that_are_no_text(pattern: str, lines: list[bytes]) -> None:
    block = b"".join(line + b"\n" for line in lines)
    assert found(Asked(grep=pattern), block) == looking_at_each(Asked(grep=pattern), lines)


@pytest.mark.parametrize(("pattern", "text"), [(r"abc\d", "abc"), ("abc", ""), ("(?i)abc.", ""), (r"\dabc", "")])
def test_text_that_each_match_begins_with(pattern: str, text: str) -> None:
    assert Expression(pattern).leading_text() == text


ENTRIES = st.lists(
    st.one_of(
        st.sampled_from(
            [*SAYING, "plain", "  at x", '{"a":1}', "\x1b[33mWARN\x1b[0m x", "E\x1b[1mRROR x", "x\rERROR y"]
        ),
        st.sampled_from([f"{word.upper()} x" for words in WORDS.values() for word in words]),
    ),
    max_size=12,
)


@given(ENTRIES, st.sampled_from(LEVELS))
def test_levels_are_found_in_a_block_as_line_by_line(lines: list[str], level: str) -> None:
    texts(Asked(level=level), *lines)


VALUES = st.sampled_from(["abc", "a b", "é", '"', "1.50", "true", "x=y", "a\\u0062c", ""])


@given(st.lists(st.tuples(st.sampled_from(["k", "l"]), VALUES), max_size=8), VALUES, st.booleans())
def test_fields_are_found_in_a_block_as_line_by_line(
    pairs: list[tuple[str, str]], value: str, is_escaped: bool
) -> None:
    import json

    lines = [json.dumps({name: each}, ensure_ascii=is_escaped) for name, each in pairs]
    lines += [f"{name}={each}" for name, each in pairs]
    texts(Asked(fields=(("k", value),)), *lines)
