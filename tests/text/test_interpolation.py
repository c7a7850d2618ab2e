"""Names in configured text are replaced as a POSIX shell replaces them, and a dollar can be had."""

from __future__ import annotations

import subprocess
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_tasks.text.encoding import decoded
from sentinel_tasks.text.interpolation import Unset, expand, names_in

NAMES = {"A": "one", "B_2": "two words", "EMPTY": "", "PATH": "/bin"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("$A", "one"),
        ("${A}", "one"),
        ("x$A/y", "xone/y"),
        ("${A}b", "oneb"),
        ("$B_2.", "two words."),
        ("bin:$PATH", "bin:/bin"),
        ("$$", "$"),
        ("$$A", "$A"),
        ("$${A}", "${A}"),
        ("a$", "a$"),
        ("$5 and $.", "$5 and $."),
        ("${MISSING:-x}", "x"),
        ("${MISSING-x}", "x"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY-x}", ""),
        ("${MISSING:-}", ""),
        ("${MISSING:-$A}", "one"),
        ("${MISSING:-${OTHER:-deep}}!", "deep!"),
        ("${A", "${A"),
        ("${}", "${}"),
        ("${A?}", "${A?}"),
    ],
)
def test_names_are_replaced(text: str, shown: str) -> None:
    assert expand(text, NAMES) == shown


@pytest.mark.parametrize(("text", "name"), [("$MISSING", "MISSING"), ("${MISSING}", "MISSING"), ("${X:-$Y}", "Y")])
def test_a_name_that_is_not_set_is_named(text: str, name: str) -> None:
    with pytest.raises(Unset) as unset:
        expand(text, NAMES)
    assert unset.value.name == name


def test_where_a_dollar_has_a_meaning_of_its_own_only_braces_count() -> None:
    assert expand("^ready on ${A}$|$A|$$", NAMES, braced_only=True) == "^ready on one$|$A|$$"


def test_names_that_are_referred_to() -> None:
    assert names_in("$A ${B:-$C} $$D ${E} $5") == ["A", "B", "C", "E"]
    assert names_in("$A ${B}", braced_only=True) == ["B"]


PIECES = st.one_of(
    st.sampled_from(["$A", "${A}", "${B_2}", "${EMPTY:-x}", "${EMPTY-x}", "${NONE:-y z}", "${NONE:-$A}", "${PATH}"]),
    st.text(alphabet="ab /:._-=,", max_size=6),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(PIECES, max_size=6))
def test_a_shell_reads_the_same(pieces: list[str]) -> None:
    text = "|".join(pieces)
    command = ["/bin/sh", "-c", f'printf %s "{text}"']
    done = subprocess.run(command, env=NAMES, capture_output=True, text=True, check=True)
    assert expand(text, NAMES) == done.stdout


@given(st.text())
def test_any_text_without_a_dollar_stays_as_it_is(text: str) -> None:
    with suppress(Unset):
        assert "$" in text or expand(text, {}) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_editors_encodings_are_read(encoding: str) -> None:
    assert decoded("A=ö\n".encode(encoding)) == "A=ö\n"


def test_another_encoding_is_refused_with_its_line() -> None:
    with pytest.raises(ValueError, match=r"^line 2 is not UTF-8; save the file as UTF-8$"):
        decoded("A=1\nB=ö\n".encode("latin-1"))
