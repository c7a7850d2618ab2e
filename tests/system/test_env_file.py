"""Files of variables: python-dotenv's rules, quotes that keep their meaning, and no value that is silently empty."""

from __future__ import annotations

import shlex
import subprocess
from io import StringIO
from pathlib import Path

import dotenv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_tasks.system.env_file import read_env_file


def read(folder: Path, text: str | bytes, **names: str) -> dict[str, str]:
    path = folder / ".env"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_env_file(str(path), names)


def test_usual_lines(tmp_path: Path) -> None:
    text = 'A=1\nexport B="two words"\n# C=3\nD=${A}2\nE\nF=\nG=1 # note\nH="a\\nb"\n'
    assert read(tmp_path, text) == {"A": "1", "B": "two words", "D": "12", "F": "", "G": "1", "H": "a\nb"}


def test_single_quotes_keep_a_dollar(tmp_path: Path) -> None:
    """`A='x${B}y'` came as `xy`."""
    assert read(tmp_path, "A='x${B}y'\nexport C = '${A}'\n") == {"A": "x${B}y", "C": "${A}"}


def test_a_name_that_is_not_set_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^line 3 refers to B, which is not set"):
        read(tmp_path, 'X=1\n\nA="x${B}y"\n')
    assert read(tmp_path, "A=${B:-none}${C}\n", C="c") == {"A": "nonec"}


def test_a_dollar_without_braces_stays(tmp_path: Path) -> None:
    assert read(tmp_path, "P=pa$$word$X\n") == {"P": "pa$$word$X"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_belongs_to_no_name(tmp_path: Path, encoding: str) -> None:
    assert read(tmp_path, "A=1\nB=ö\n".encode(encoding)) == {"A": "1", "B": "ö"}


def test_windows_line_ends(tmp_path: Path) -> None:
    assert read(tmp_path, "A=1\r\nB='2'\r\n") == {"A": "1", "B": "2"}


def test_what_can_not_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_env_file(str(tmp_path / "missing"), {})
    with pytest.raises(ValueError, match=r"^line 3 is not NAME=value$"):
        read(tmp_path, "A=1\n\nexport hunter 2\nB=2\n")
    with pytest.raises(ValueError, match=r"^line 2 is not UTF-8"):
        read(tmp_path, b"A=1\nB=\xff\n")


VALUES = st.text(alphabet='ab0 #"\\$-_./:=', max_size=12)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,5}", fullmatch=True)


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=4), st.sampled_from(["", "'", '"']))
def test_python_dotenv_reads_the_same(tmp_path_factory: pytest.TempPathFactory, names: dict[str, str], q: str) -> None:
    text = "".join(f"{name}={q}{value}{q}\n" for name, value in names.items())
    theirs = {name: value for name, value in dotenv.dotenv_values(stream=StringIO(text)).items() if value is not None}
    try:
        ours = read(tmp_path_factory.mktemp("env"), text)
    except ValueError:
        assert len(theirs) < len(names) or "${" in text or q == '"' or any(not name for name in names)
    else:
        assert ours == theirs


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(NAMES.map("V_{}".format), st.text(alphabet='ab0 "$#-_./:=', max_size=12), min_size=1, max_size=3)
)
def test_a_shell_reads_single_quotes_the_same(tmp_path_factory: pytest.TempPathFactory, names: dict[str, str]) -> None:
    folder = tmp_path_factory.mktemp("env")
    ours = read(folder, "".join(f"{name}='{value}'\n" for name, value in names.items()))
    script = f". {shlex.quote(str(folder / '.env'))}; " + "".join(f'printf "%s\\0" "${name}"; ' for name in names)
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={})
    assert [*ours.values()] == done.stdout.split("\0")[:-1]
