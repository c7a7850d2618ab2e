"""What a program printed must be safe to show: nothing that drives the reader's terminal (issue 5, injection)."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.text.sanitize import is_only_annotations, plain, readable

SGR = re.compile(r"\x1b\[[0-9;:]*m")
STARTS = ["\x1b", "\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1bk", "\x1b\\", "\x9b", "\x9d", "\x90"]
TURNS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = ["\x07", "\r", "\n", "\t", "\b", "\x7f", "\x85", "\u2028", "\x18", "\x1a", "\u202e", "\ufeff"]
WORDS = ["0", "31", "m", ";", "?", "H", "J", "c", "52;c;", "(", "B", " ", "text", "é", "🚀"]
SEQUENCES = ["\x1b[31m", "\x1b[0m", "\x1b[6n", "\x1b[2J", "\x1b[38:5:1m", "\x1b[1"]
PIECES = st.sampled_from([*STARTS, *CONTROLS, *WORDS, *SEQUENCES])
PRINTED = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)


def is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc" and character != "\t"


@pytest.mark.parametrize(
    ("raw", "coloured", "colourless"),
    [
        (b"ready", "ready", "ready"),
        (b"\x1b[32mready\x1b[0m", "\x1b[32mready\x1b[0m\x1b[0m", "ready"),
        (b"\x1b[32mready", "\x1b[32mready\x1b[0m", "ready"),
        (b"\x1b[38;5;208mx\x1b[m", "\x1b[38;5;208mx\x1b[m\x1b[0m", "x"),
        (b"a\tb", "a\tb", "a\tb"),
        (b"with a carriage return\r\n", "with a carriage return", "with a carriage return"),
        (b"10%\r20%\r100%", "100%", "100%"),
        (b"10%\r20%\r\n", "20%", "20%"),
        (b"10%\r20%\r\x1b]7357;sentinel-end;L1\x07", "20%", "20%"),
        (b"\x1b]0;title\x07text", "text", "text"),
        (b"\x1b]0;title\x1b\\text", "text", "text"),
        (b"\x1bkwindow name\x1b\\text", "text", "text"),
        (b"\x1b]52;c;aHVudGVyMg==\x07", "", ""),
        (b"\x1b]8;;http://x\x07link\x1b]8;;\x07", "link", "link"),
        (b"\x1b]7357;sentinel-begin;L1\x07first", "first", "first"),
        (b"\x1b]0;never ended", "", ""),
        (b"\x1bPq...\x1b\\text", "text", "text"),
        (b"\x1b[6n\x1b[2J\x1b[1;1H\x1bctext", "text", "text"),
        (b"\x1b[?1049htext", "text", "text"),
        (b"\x1b(Btext", "text", "text"),
        (b"cut off \x1b[", "cut off ", "cut off "),
        (b"cut off \x1b", "cut off ", "cut off "),
        (b"bell\x07 back\x08 null\x00 del\x7f", "bell back null del", "bell back null del"),
        (b"\xc2\x9b31mx", "31mx", "31mx"),
        (b"\xff\xfe", "\ufffd\ufffd", "\ufffd\ufffd"),
        ("naïve 🚀".encode(), "naïve 🚀", "naïve 🚀"),
        (b"", "", ""),
    ],
)
def test_readable(raw: bytes, coloured: str, colourless: str) -> None:
    assert readable(raw, colour=True) == coloured
    assert readable(raw, colour=False) == colourless


@given(PRINTED)
def test_no_sequence_but_colours_gets_through(text: str) -> None:
    shown = readable(text.encode(), colour=True)
    assert not [each for each in SGR.sub("", shown) if is_control(each)]
    assert "\n" not in shown
    if "\x1b" in shown:
        assert shown.endswith("\x1b[0m")


@given(PRINTED)
def test_without_colours_nothing_gets_through(text: str) -> None:
    for shown in (readable(text.encode(), colour=False), plain(text)):
        assert not [each for each in shown if is_control(each)]
    assert "\t" not in plain(text)
    assert len(plain(text).splitlines()) <= 1


@given(st.binary())
def test_any_bytes_are_one_safe_line(raw: bytes) -> None:
    shown = readable(raw, colour=True)
    assert not [each for each in SGR.sub("", shown) if is_control(each)]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters=TURNS)))
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert readable(text.encode(), colour=True) == readable(text.encode(), colour=False) == plain(text) == text


def test_what_turns_a_line_around_is_left_out() -> None:
    for shown in (readable(f"a{TURNS}b".encode(), colour=True), plain(f"a{TURNS}b")):
        assert shown == "ab"
    assert plain("\u05d0\u200f\u0628") == "\u05d0\u200f\u0628"


def test_long_line_is_read_in_a_moment() -> None:
    assert readable(b"\x1b]" * 200_000, colour=True) == ""
    assert readable(b"\x1b[" * 200_000, colour=True) == ""
    assert len(readable(b"x" * 5_000_000, colour=False)) == 5_000_000


@pytest.mark.parametrize(
    ("line", "only"),
    [
        (b"\x1b]7357;sentinel-begin;L1\x07", True),
        (b"\x1b]7357;sentinel-end;L1\x07\x1b]7357;sentinel-begin;L2\x07\r", True),
        (b"\x1b]7357;sentinel-begin;L1\x07first", False),
        (b"", False),
        (b"\r", False),
        (b"\x1b]0;title\x07", False),
    ],
)
def test_marks_are_told_from_what_was_printed(line: bytes, only: bool) -> None:
    assert is_only_annotations(line) is only
