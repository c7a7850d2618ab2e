"""What a shell completes for both programs: the words that Invoke does not know (contract: Tasks, Completion)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.lab import INV, PATIENCE, STAYS, Lab, zygote

SENTINEL = str(Path(sys.executable).with_name("sentinel"))
TASKS = "from sentinel_tasks import service, workspace\n\nnamespace = workspace(service('web'))\n"
HOSTILE = "$(touch pwned) a"
"""bash runs what stands in a word that it is offered."""


def offered(lab: Lab, program: str, *words: str) -> list[str]:
    """What the shell is offered behind these words, as its script asks for it."""
    argv = [program, "--complete", "--", Path(program).name, *words]
    done = zygote().run(argv, lab.path, lab.environ, PATIENCE)
    assert (done.code, done.err) == (0, ""), done.said
    return done.out.splitlines()


def test_the_workspaces_that_run_are_offered_also_those_that_are_gone(lab: Lab) -> None:
    gone, hostile = lab.workspace("gone", TASKS), lab.workspace(HOSTILE, TASKS)
    for path in (gone, hostile):
        lab.configure(path, web=STAYS)
        assert lab.inv("web.start", cwd=path).code == 0
    lab.configure(web={"comand": "misspelt"})
    shutil.rmtree(gone)
    assert offered(lab, INV, "down", "--workspace") == [str(gone)]
    assert offered(lab, SENTINEL, "env", "--workspace", "/t") == [str(gone)]
    assert offered(lab, SENTINEL, "down", "--workspace", "=", "/t") == [str(gone)]
    assert lab.inv("down", "--all", "--yes").code == 0
    assert offered(lab, INV, "down", "--workspace") == []


@pytest.mark.parametrize(
    ("program", "words", "some", "none"),
    [
        (INV, ["up", "--only"], {"web"}, {"up", "web.start"}),
        (SENTINEL, ["down", "--only", "w"], {"web"}, {"down"}),
        (INV, ["web.start", "--"], {"--timeout", "--json"}, {"web"}),
        (SENTINEL, ["start", "web", "--"], {"--timeout", "--json"}, {"web"}),
        (INV, [], {"up", "web.start"}, {"env-names"}),
        (SENTINEL, ["st"], {"start", "status", "stop", "up", "web"}, {"web.start"}),
        (SENTINEL, ["start", "w"], {"web"}, {"web.start"}),
    ],
)
def test_the_words_of_both_programs_are_offered(
    lab: Lab, program: str, words: list[str], some: set[str], none: set[str]
) -> None:
    (lab.path / "tasks.py").write_text(TASKS)
    lab.configure(web=STAYS)
    found = set(offered(lab, program, *words))
    assert (some - found, none & found) == (set(), set())
