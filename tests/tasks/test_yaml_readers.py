"""A configuration file says the same whether or not PyYAML's reader in C is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoke.vendor import yaml

from sentinel_tasks.config.schema import takes_text
from sentinel_tasks.tasks.yaml_file import read

PIECES = st.sampled_from(
    [*":-{}[]&*!|>'\"%@`#,?~=\t\x85\u2028\ufeff\0", "\n", "  ", "- ", ": ", "!!str ", "|#", "\\ud83d"]
)
STYLES = st.fixed_dictionaries(
    {
        "default_flow_style": st.sampled_from([True, False, None]),
        "default_style": st.sampled_from([None, '"', "'", "|"]),
    }
)
VALUES = st.recursive(
    st.sampled_from(["1.10", "0123", "12:30", "no", "~", "exec sleep 1", "a: b", "#x", "é", "2024-01-01", 1, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["on", "1", "x y", "<<"]), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text",
    [
        "sentinel: {services: {}}\t\n",
        "{x? : 1, sentinel: {}}\n",
        "sentinel:\n  x: !@!int '1'\n",
        "sentinel:\n  x:\n   |#x\n",
        '{"x": 1,\n\ufeff "sentinel": {}}\n',
    ],
)
def test_what_one_reader_refuses_the_other_does_not_take(tmp_path: Path, text: str) -> None:
    _read_alike(tmp_path / "invoke.yaml", text)


@given(VALUES, STYLES, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 2), PIECES), max_size=3))
def test_a_file_says_the_same_in_every_installation(
    tmp_path_factory: pytest.TempPathFactory, value: Any, style: Any, changes: list[tuple[float, int, str]]
) -> None:
    document = {"sentinel": {"services": {"web": value}}, "run": value}
    text: str = yaml.safe_dump(document, allow_unicode=True, **style)  # type: ignore[no-untyped-call]
    for where, cut, piece in changes:
        place = int(where * len(text))
        text = text[:place] + piece + text[place + cut :]
    _read_alike(tmp_path_factory.getbasetemp() / "alike.yaml", text)


def _read_alike(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="")
    told = []
    for is_fast in (True, False):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(yaml, "__with_libyaml__", is_fast)
            try:
                told.append(repr(read(str(path), takes_text)))
            except (yaml.YAMLError, ValueError) as reason:
                told.append(f"{type(reason).__name__}: {reason}")
    assert told[0] == told[1]
