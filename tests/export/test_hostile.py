"""Whatever is in a command, a folder or a variable comes out of each engine's own parser as it went in."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sentinel_tasks.export import TARGETS, Options, export
from sentinel_tasks.export.secrets import cleaned
from sentinel_tasks.model import Service
from sentinel_tasks.text.interpolation import expand, names_in
from tests.export.readers import READERS, Process
from tests.export.workspaces import put, service, workspace

EXAMPLES = int(os.environ.get("EXPORT_EXAMPLES", "12"))
PIECES = [
    "'", '"', "%", "$", "`", "\n", "\r", "\t", " ", "", ";", "#", " ;", " #", "%%", "$$", "$$$", "$HOME", "${HOME}",
    "$(HOME)", "$$(HOME)", "$(id)", "%h", "%(here)s", "%(ENV_HOME)s", "%n", "%", "%5", "\\n", "\\x41", "\\", "'\"'",
    "\x0b", "\x0c", "\x1b", "\x1c", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff", "\ufffe", "\xa0", "é", "🚀", "\u202e",
    "{", "}", "{{x}}", "[a]", "(b)", "- ", ": ", "!!str", "*a", "&b", "@", "~", "null", "yes", "0x1f", "=", "a=b",
    "-x", "--", "-", "!", "?", "|", "<", ">", ",", "x" * 3000, "\\\n", "\n\n", " \n ", "a", "b c", "/",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20
)
NAMES = st.sampled_from(["A", "B_2", "x.y", "with space", "-dash", "a%b", "ü", "a$b", 'q"q', "n\nl"])
WITNESS = ("sh", "-c", "exec </proc/self/cmdline; cat; exec </proc/self/environ; cat", "sh")
"""Prints its own words and variables, and looks at none of the words: one may be the name of a file."""


def process(target: str, folder: Path, given: Service) -> Process:
    """What the engine would start, in this folder instead of the image's."""
    files = export(workspace(given, path=str(folder)), target, Options(folder=str(folder / "to"))).files
    return READERS[target](put(folder / "to", files), given.name)


def knows(*texts: str) -> bool:
    """True if the texts refer to no name but HOME: `up` would refuse one that is not set."""
    return all({*names_in(text)} <= {"HOME"} for text in texts)


def environ(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=EXAMPLES)
@example(words=["null", "yes", "%(here)s", "%(here)s/x", "$", "", "/proc/net/unix"], variables={"A": "no", "B_2": "~"})
@given(words=st.lists(TEXT, max_size=4), variables=st.dictionaries(NAMES, TEXT, max_size=3))
def test_hostile_words_and_values_arrive_as_they_are(target: str, words: list[str], variables: dict[str, str]) -> None:
    argv = (*WITNESS, *words)
    wanted = service(command=argv, env=tuple(variables.items()))
    assume(cleaned(wanted).service == wanted and knows(*words, *variables.values()))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        started = process(target, folder, replace(wanted, cwd=made))
        _, said, _ = started.run(environ(folder), made)
    parts = said.split(b"\0")
    assert [part.decode() for part in parts[: len(argv)]] == [expand(word, environ(folder)) for word in argv]
    seen = dict(part.decode().split("=", 1) for part in parts[len(argv) :] if part)
    expected = {name: expand(value, environ(folder)) for name, value in variables.items()}
    assert {name: seen.get(name) for name in variables} == expected


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=EXAMPLES)
@given(texts=st.lists(TEXT, min_size=1, max_size=5), value=TEXT)
def test_hostile_shell_commands_do_what_sh_does_with_them(target: str, texts: list[str], value: str) -> None:
    command = (
        f"printf '%s|' \"$A\" {' '.join(quoted(text) for text in texts)}; cat /proc/self/cmdline\nexit 7 # {texts[0]}"
    )
    wanted = service(command=command, env=(("A", value),))
    assume(cleaned(wanted).service == wanted and knows(value))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        started = process(target, folder, replace(wanted, cwd=made))
        done = started.run(environ(folder), made)
        own = {**environ(folder), "A": expand(value, environ(folder))}
        plain = subprocess.run(["sh", "-c", command], cwd=made, env=own, capture_output=True, check=False)
    assert done == (plain.returncode, plain.stdout, plain.stderr)


@pytest.mark.parametrize("program", ["we=ird", "-dash", "per%cent", "dol$lar", "spa ce", "'quote", "new\nline"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_program_of_any_name_is_found(target: str, program: str, tmp_path: Path) -> None:
    path = tmp_path / "bin" / program
    path.parent.mkdir()
    path.write_text('#!/bin/sh\nprintf \'%s|\' "${0##*/}" "$@"\n')
    path.chmod(0o755)
    started = process(target, tmp_path, service(command=(program.replace("$", "$$"), "a b"), cwd=str(tmp_path)))
    found = started.run(environ(tmp_path) | {"PATH": f"{path.parent}:{os.environ['PATH']}"}, str(tmp_path))
    assert found == (0, f"{program}|a b|".encode(), b"")


@pytest.mark.parametrize("target", ["systemd", "supervisord", "procfile"])
@settings(max_examples=EXAMPLES // 2)
@given(name=TEXT.map(lambda text: text.replace("/", "-")[:80]).filter(lambda text: text not in ("", ".", "..")))
def test_hostile_folders_are_where_it_runs(target: str, name: str) -> None:
    assume(len(name.encode()) < 250)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / name).mkdir()
        given = service(command=("readlink", "/proc/self/cwd"), cwd=str(folder / name))
        started = process(target, folder, given)
        code, said, _ = started.run(environ(folder), started.cwd if started.cwd != "/" else made)
    assert (code, said.decode()) == (0, f"{folder / name}\n")


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
