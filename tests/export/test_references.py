"""Names in the configuration: what is known is written, the rest is left to the service's own environment."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.errors import ConfigurationError
from sentinel_tasks.export import TARGETS
from sentinel_tasks.export.references import Later, quoted, resolved
from sentinel_tasks.model import Health
from sentinel_tasks.text.interpolation import Unset, expand
from tests.export.workspaces import exported, service

PIECES = [
    "$A", "${A}", "${B:-x}", "${B-y z}", "${E:-}", "${E-d}", "$$", "$", "}", "{", "\\", '"', "`", "'", " ", "a",
    "${B:-$A}", '${B:-${C:-}q"}', "${C:-'}", "${A:-", "$5", "\n", "$(id)",
]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
VALUES = {"A": "o'n\"e $x", "E": ""}


@given(text=TEXT, known=st.sets(st.sampled_from(["A", "E"])))
def test_a_shell_completes_a_text_as_up_does(text: str, known: set[str]) -> None:
    word = resolved(text, {name: VALUES[name] for name in known})
    environ = {**VALUES, "PATH": os.environ["PATH"]}
    done = subprocess.run(["sh", "-c", f"printf %s. {quoted(word)}"], env=environ, capture_output=True, check=False)
    try:
        expected = expand(text, environ)
    except Unset:
        assert done.returncode
        return
    assert done.stdout.decode() == f"{expected}."


@given(text=TEXT)
def test_a_default_stands_for_a_variable_that_turns_out_empty(text: str) -> None:
    word = resolved("${V:-none}", {"V": Later("$E")})
    done = subprocess.run(["sh", "-c", f"printf %s {quoted(word)}"], env=VALUES, capture_output=True, check=True)
    assert done.stdout == b"none"


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_known_is_written(target: str) -> None:
    web = service(
        command=("serve", "$PORT", "$$", "${SENTINEL_PORT_WEB}", "$MODE"), port=8000, env=(("MODE", "m$PORT"),)
    )
    found = exported(target, web)
    text = "".join(text for path, text in found.files.items() if not path.endswith(".example"))
    assert "takes from its environment" not in text
    if target == "compose":
        assert '- "8000"\n      - "$$"\n      - "8000"\n      - m8000\n' in text


@pytest.mark.parametrize("target", TARGETS)
def test_a_name_that_nobody_here_knows_is_told(target: str) -> None:
    found = exported(target, service(command=("serve", "$THEIRS"), env=(("PATH", "bin:$PATH"),)))
    assert any("# web takes from its environment: PATH, THEIRS\n" in text for text in found.files.values())


def test_a_callers_variable_is_never_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIRS", "c4n4ry")
    for target in TARGETS:
        keys = {"command": ("serve", "$THEIRS"), "cwd_template": "$THEIRS", "health": Health("http", "http://$THEIRS/")}
        found = exported(target, service(**keys, env=(("A", "$THEIRS"),)))  # type: ignore[arg-type]
        assert "c4n4ry" not in "".join(found.files.values())


def test_a_secret_may_be_referred_to() -> None:
    web = service(command=("serve", "${DB_PASSWORD}"), env=(("DB_PASSWORD", "x"),))
    text = exported("compose", web).files["compose.yaml"]
    assert '"exec serve \\"$${DB_PASSWORD?}\\""' in text


def test_variables_that_refer_to_each_other_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="refer to each other"):
        exported("compose", service(env=(("A", "$B"), ("B", "$A"))))
