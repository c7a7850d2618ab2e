"""Nobody is there: no verb asks or waits for input, a refusal names what answers it, and output has a bound."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel_tasks.names import state_name
from sentinel_tasks.tasks.service_tasks import tasks_of
from sentinel_tasks.tasks.workspace_tasks import workspace_tasks
from sentinel_tasks.verbs.log_flags import MOST_LINES, MOST_UNSEEN
from sentinel_tasks.verbs.logs import LONGEST
from tests.lab import INV, PATIENCE, STAYS, Lab, Result, is_traceback, zygote

SENTINEL = str(Path(sys.executable).with_name("sentinel"))
TASKS = "from sentinel_tasks import service, workspace\n\nnamespace = workspace(service('web'))\n"
MORE = {
    "run": ["web", "--", "true"],
    "url": ["web"],
    "why": ["web"],
    "wait": ["--timeout", "0.1"],
    "export": ["procfile"],
    "scale": ["web=1"],
}
TOLD = ("logs", "why", "status")
"""Verbs that tell of what a service has printed."""
LAST = ("stop", "down")
"""Verbs after which the others would have less to tell of."""
CODES = {0, 1, 2, 3}
MOST = 60_000
"""Bytes that any of them prints of a service with very long lines, and many."""


@pytest.fixture
def silent() -> Iterator[int]:
    """A pipe on which nothing ever comes, and that is never closed."""
    reading, writing = os.pipe()
    yield reading
    os.close(reading)
    os.close(writing)


def unattended(lab: Lab, *words: str, program: str = INV, silent: int | None = None) -> Result:
    """What the program says whose input is that pipe, or was closed (`<&-`)."""
    argv = [program, *words]
    done = zygote().run(argv, lab.path, lab.environ, PATIENCE, stdin=silent, without_stdin=silent is None)
    assert not is_traceback(done.said), done.said
    assert done.code in CODES, (argv, done.said)
    assert len(done.said) < MOST, (argv, len(done.said))
    return done


def test_no_verb_asks_or_waits_for_somebody_who_is_not_there(lab: Lab, silent: int) -> None:
    (lab.path / "tasks.py").write_text(TASKS)
    lab.configure(web={"command": "seq 15000; head -c 100000 /dev/zero | tr '\\0' x; exit 3", "health": "exit"})
    assert unattended(lab, "up").code == 1
    verbs = [task.name for task in workspace_tasks()]
    calls = [[verb, *MORE.get(verb, [])] for verb in verbs]
    calls += [[f"web.{task.name}"] for task in tasks_of("web") if task.name not in verbs]  # else it is the same verb
    for words in sorted(calls, key=lambda each: each[0].endswith(LAST)):
        unattended(lab, *words, silent=silent)
        if words[0].endswith(TOLD):
            unattended(lab, *words, "--json", silent=silent)


@pytest.mark.parametrize("verb", ["status", "logs", "init", "attach", "run"])
def test_the_program_sentinel_asks_nobody_either(lab: Lab, silent: int, verb: str) -> None:
    (lab.path / "tasks.py").write_text(TASKS)
    lab.configure(web={"command": "exit 3"})
    unattended(lab, verb, *MORE.get(verb, []), program=SENTINEL, silent=silent)
    unattended(lab, verb, *MORE.get(verb, []), program=SENTINEL)


def test_what_would_be_asked_is_refused_with_the_argument_that_answers_it(lab: Lab, silent: int) -> None:
    """A prompt that nobody sees holds an agent up until it is killed."""
    (lab.path / "tasks.py").write_text(TASKS)
    port = lab.port()
    lab.listen(port, cwd=lab.folder)
    lab.configure(web={"command": "exec sleep 600", "port": port, "health": "tcp"}, job=STAYS)
    assert lab.inv("up", "--only", "job").code == 0
    (lab.path / "deploy" / "procfile").mkdir(parents=True)
    (lab.path / "deploy" / "procfile" / "Procfile").write_text("mine\n")
    new = lab.folder / "new"
    new.mkdir()
    for words, argument, code in (
        (["down", "--all"], "--yes", 2),
        (["stop", "--all", "--json"], "--yes", 2),
        (["web.start"], "--on-conflict takeover", 4),
        (["export", "procfile"], "--force", 1),
        (["run", "web"], "-- COMMAND", 2),
        (["up", "--port", str(port)], "auto", 2),
        (["logs", "--invert", "--json"], "--grep", 2),
        (["why"], "name", 1),
        (["export"], "target", 1),
    ):
        done = zygote().run([INV, *words], lab.path, lab.environ, PATIENCE, stdin=silent)
        assert (done.code, argument in done.said) == (code, True), (words, done.said)
    for words in (["init"], ["init", "--json"]):
        done = zygote().run([SENTINEL, *words], new, lab.environ, PATIENCE, stdin=silent)
        assert (done.code, "--yes" in done.said, [*new.iterdir()]) == (2, True, []), done.said
    assert lab.inv("job.status", "--json").json["state"] == "running"


LINES = [f"{'x' * LONGEST}y", "short", f"\x1b[31m{'z' * LONGEST}\x1b[0m", f"{'tail' * LONGEST} WARNING"]
CUT = [f"{'x' * LONGEST}...", "short", "z" * LONGEST, f"{('tail' * LONGEST)[:LONGEST]}..."]
WHOLE = [LINES[0], "short", "z" * LONGEST, LINES[3]]


@pytest.mark.parametrize(
    ("flags", "cut", "lines", "rest"),
    [
        ([], 2, CUT, "2 lines are cut after 10000 characters; --lines 50 shows them whole"),
        (["--grep", "WARNING$"], 1, CUT[3:], "1 line is cut after 10000 characters; --lines 1 shows it whole"),
        (["--grep", "s"], 0, CUT[1:2], ""),
        (["--lines", "50"], 0, WHOLE, ""),
        (["--lines", "1", "--grep", "WARNING$"], 0, WHOLE[3:], ""),
    ],
)
def test_a_very_long_line_is_cut_off_a_terminal_and_the_way_to_the_rest_told(
    lab: Lab, flags: list[str], cut: int, lines: list[str], rest: str
) -> None:
    """A bundler printed 3 MB in one line, and an agent that asked for fifty lines could read nothing after it."""
    (lab.path / "tasks.py").write_text(TASKS)
    lab.configure(web={"command": "true"})
    folder = Path(lab.environ["XDG_STATE_HOME"]) / "sentinel" / state_name(str(lab.path))
    folder.mkdir(parents=True, mode=0o700)
    (folder / "web.log").write_text("".join(f"{line}\n" for line in LINES))
    shown = lab.inv("web.logs", *flags, env={"FORCE_COLOR": "1"} if cut else {})
    assert shown.out.splitlines() == lines
    assert shown.err == (f"⚠️ {rest}\n" if rest else "")
    document = lab.inv("web.logs", *flags, "--json")
    assert (document.json["lines"], document.json["cut"]) == (lines, cut)
    assert document.err == shown.err


def test_a_question_of_many_lines_is_answered_in_part_off_a_terminal_and_the_way_on_told(lab: Lab) -> None:
    """`logs --since 1d` of a talkative service filled an agent's memory."""
    (lab.path / "tasks.py").write_text(TASKS)
    lab.configure(web={"command": "true"})
    folder = Path(lab.environ["XDG_STATE_HOME"]) / "sentinel" / state_name(str(lab.path))
    folder.mkdir(parents=True, mode=0o700)
    log = folder / "web.log"
    log.write_text("line 0\n")
    cursor = lab.inv("web.logs", "--grep", "line", "--json").json["cursor"]
    log.write_text("".join(f"line {number}\n" for number in range(MOST_UNSEEN + 2)))
    last = lab.inv("web.logs", "--grep", "line")
    assert last.out.splitlines() == [f"line {number}" for number in range(2, MOST_UNSEEN + 2)]
    assert f"--lines {MOST_LINES} shows all" in last.err
    told = lab.inv("web.logs", "--grep", "line", "--lines", str(MOST_LINES), "--json").json
    assert (len(told["lines"]), told["more"]) == (MOST_UNSEEN + 2, False)
    following = lab.inv("web.logs", "--cursor", cursor, "--json")
    assert (following.json["more"], "the cursor goes on" in following.err) == (True, True)
    rest = lab.inv("web.logs", "--cursor", following.json["cursor"], "--json").json
    assert (following.json["lines"] + rest["lines"], rest["more"]) == (
        [f"line {number}" for number in range(1, MOST_UNSEEN + 2)], False,
    )  # fmt: skip
