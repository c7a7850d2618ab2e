"""The launcher's JSON is that of `json`, to the letter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.supervisor import json_text

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.characters(categories=["Cs"])
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner), max_leaves=8
)
BROKEN = [b"", b" ", b"{", b"{} {}", b"\xff", b"nul", b'"a\nb"', b'{"a":}', b"[1,]", b"NaNx", b"-", b"'a'", b"\xef\xbb"]
ALONE = """
import sys
sys.path.append(sys.argv[1])
from sentinel_tasks.supervisor import json_text
try:
    json_text.read(bytes.fromhex(sys.argv[2]))
except ValueError:
    print("refused")
"""


@given(VALUES)
def test_what_is_written_and_read_is_as_json_has_it(value: Any) -> None:
    text = json_text.written(value)
    assert text == json.dumps(value)
    assert repr(json_text.read(f" {text}\n".encode())) == repr(json.loads(text))


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        json_text.read(text)


@pytest.mark.parametrize("text", [b"{", b"{} {}", b""])
def test_what_is_no_json_is_refused_where_json_was_never_loaded(text: bytes) -> None:
    """Without the modules of `json` its C code can't make the error that it means."""
    words = [sys.executable, "-I", "-S", "-c", ALONE, str(Path(json_text.__file__).parents[2]), text.hex()]
    assert subprocess.run(words, capture_output=True, check=True).stdout == b"refused\n"


def test_what_json_has_nothing_for_is_refused() -> None:
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        json_text.written({"a": {1}})
