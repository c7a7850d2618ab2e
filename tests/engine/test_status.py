"""Status as histories of one turn: every state, and the services of other workspaces and servers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.status import everything, status, workers
from sentinel_tasks.engine.watching_states import looks
from sentinel_tasks.health.question import Question
from sentinel_tasks.model import Answer, Health, Identity, Listener
from tests import facts
from tests.engine.histories import (
    DB,
    JOB,
    OLD,
    WATCHING,
    WEB,
    History,
    alive,
    by_hand,
    ended,
    play,
    running,
    service,
    sick,
    stranger,
    stray,
)
from tests.facts import NOW, OTHER_PATH, OTHER_SESSION, SICK
from tests.scripted import ScriptedWorld
from tests.turns import Fact, Turn, who

LONG_AGO = {"began": NOW - 3600, "started": NOW - 3600}
IN_THE_BACKGROUND = {"pid": 199, "ticks": 199, "backgrounded": NOW}
NOTED = {"ended": NOW - 10, "cause": "its launcher was killed"}
NOT_FOUND = "not healthy: HTTP 404 from http://localhost:3000/"
OLD_SERVICE = service("old", 4000)


def on_record(**facts: Any) -> Fact:
    """Nothing but a record, of a launcher that was killed; somebody has noticed that."""
    return replace(ended(run={**NOTED, **facts}, **OLD), pane=None)


def seen_ready(fact: Fact) -> Fact:
    """A start saw it healthy."""
    assert fact.pane is not None
    return replace(fact, pane=replace(fact.pane, ready=fact.pane.launch))


def elsewhere(fact: Fact, **keys: Any) -> Fact:
    """The same in the other workspace's session, or as told."""
    assert fact.pane is not None
    there = {"session": OTHER_SESSION, "session_path": OTHER_PATH, "workspace": OTHER_PATH, "home": OTHER_PATH}
    return replace(fact, pane=replace(fact.pane, **{**there, **keys}))


def copied(fact: Fact) -> Fact:
    """Its window is a person's, and so is what runs in it."""
    return replace(fact, is_a_persons=True, run=None)


STATES = {
    "it runs": ([running(**OLD)], "web: running, exit 0"),
    "the marks of its window were unset": ([replace(running(**OLD), is_unmarked=True)], "web: running, exit 0"),
    "its marks were copied to a person's window": ([copied(alive(**OLD))], "web: stopped, exit 3"),
    "it starts": ([alive(**OLD)], "web: starting, exit 0"),
    "it starts and is not healthy yet": ([sick(**OLD)], "web: starting, exit 0"),
    "it was not healthy in time": ([sick(run=LONG_AGO, **OLD)], f"web: unhealthy, exit 1; {NOT_FOUND}"),
    "it was healthy once": ([seen_ready(sick(**OLD))], f"web: unhealthy, exit 1; {NOT_FOUND}"),
    "it listens on another port": (
        [alive(port=3001, run=LONG_AGO, **OLD)],
        "web: unhealthy, exit 1; not healthy: nothing listens on port 3000; it listens on 3001 instead",
    ),
    "it listens on no loopback address": (
        [alive(port=3000, address="10.0.0.5", run=LONG_AGO, **OLD)],
        "web: unhealthy, exit 1; not healthy: nothing listens on port 3000; it listens on 10.0.0.5:3000 instead",
    ),
    "it listens on another loopback address": ([running(address="127.0.0.2", **OLD)], "web: running, exit 0"),
    "it is between two runs": (
        [seen_ready(alive(run={"exit_code": 1, "ended": NOW, "next_start": NOW + 9, "restarts": 2}, **OLD))],
        "web: unhealthy, exit 1; not healthy: exit 1; it is about to be started again (restart 2)",
    ),
    "it crashed": (
        [ended(run={"exit_code": 3}, output=("one", "boom"), **OLD)],
        "web: crashed, exit 3; exit 3: boom",
    ),
    "it was killed": ([ended(run={"signal": "SIGKILL"}, **OLD)], "web: crashed, exit 3; killed by SIGKILL"),
    "it was stopped": ([ended(run={"signal": "SIGINT", "interrupted": True}, **OLD)], "web: stopped, exit 3"),
    "it ended by itself": ([ended(run={"exit_code": 0}, **OLD)], "web: stopped, exit 3; it ended by itself (exit 0)"),
    "it never ran": ([], "web: stopped, exit 3"),
    "its window was closed, and how it ended is on record": (
        [Fact("web", run=ended(run={"exit_code": 3}, **OLD).run)],
        "web: crashed, exit 3; exit 3",
    ),
    "only a stray is left": (
        [stray(port=3000)],
        "web: unhealthy, exit 1; runs without its window (pid 700)",
    ),
    "a stranger has its port": (
        [stranger()],
        "web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere",
    ),
    "a stranger has its port while it runs": (
        [alive(**OLD), stranger()],
        "web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere",
    ),
    "a stranger answers at its address": (
        [running(**OLD), stranger()],
        "web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere",
    ),
    "a stranger answers at a narrower address than its own": (
        [running(address="0.0.0.0", **OLD), stranger()],
        "web: conflict, exit 4; port 3000 is held by node (pid 800), outside tmux, run from /elsewhere",
    ),
    "a stranger serves another network": ([running(**OLD), stranger(address="10.0.0.5")], "web: running, exit 0"),
    "another user has its port": (
        [Fact(port=3000, listener=Listener("", user="root"))],
        "web: conflict, exit 4; port 3000 is held by a process of user root that can't be seen",
    ),
    "it is started by hand": ([by_hand()], "web: running, exit 0; started by hand in window 5 (sh); adopted"),
    "what is started by hand does not work": (
        [by_hand(answer=facts.SICK)],
        "web: conflict, exit 4; port 3000 is held by node (pid 901) in window 5 of session sentinel-app",
    ),
    "it is suspended": (
        [seen_ready(replace(sick(**OLD), is_suspended=True))],
        f"web: unhealthy, exit 1; {NOT_FOUND}: it is suspended; kill -CONT -- -200 lets it go on",
    ),
    "its log pump was killed": (
        [running(is_unlogged=True, **OLD)],
        "web: running, exit 0; its output is not written to its log any more: the log pump was killed; "
        "inv web.logs mends that",
    ),
    "it is in the background while its record tells of an end": (
        [running(run={**IN_THE_BACKGROUND, "ended": NOW, "exit_code": 0, "interrupted": True}, **OLD)],
        "web: running, exit 0; it put itself into the background (pid 201)",
    ),
    "its record tells of an end while it lives": (
        [running(run={"ended": NOW, "exit_code": 0}, **OLD)],
        "web: running, exit 0",
    ),
    "its record tells of an end long ago and of another process while it lives": (
        [running(run={"ended": NOW - 60, "exit_code": 3, "pid": 999, "ticks": 9}, **OLD)],
        "web: running, exit 0",
    ),
    "its record is lost": ([replace(running(**OLD), run=None)], "web: running, exit 0"),
    "a launcher waits for its specification": (
        [replace(alive(**OLD), run=None, pids=(200,))],
        "web: starting, exit 0",
    ),
}

WITHOUT_HTTP = {
    "a port that accepts is not enough while it is suspended": service("web", 3000, health=Health("tcp")),
    "staying up is not enough while it is suspended": service("web"),
}
ONE_SHOTS = {
    "it is done": (ended(JOB, run={"exit_code": 0}, **OLD), "job: completed, exit 0"),
    "it failed": (ended(JOB, run={"exit_code": 1}, **OLD), "job: crashed, exit 3; exit 1"),
    "it goes on": (alive(JOB, run=LONG_AGO, **OLD), "job: starting, exit 0"),
}


CRASHED = "web: crashed, exit 3; its launcher was killed"
LEFT_IN_A_SESSION = {
    "it was there when the end was noted, and the record names others": (
        [on_record(family=(Identity(800, 1),)), Fact(pids=(700,), session=200)],
        "web: unhealthy, exit 1; runs without its window (pid 700)",
    ),
    "it began later, beside one that is on record": (
        [on_record(family=(who(700),)), Fact(pids=(700,), session=200), Fact(pids=(701,), session=200, age=5)],
        "web: unhealthy, exit 1; runs without its window (pid 700, 701)",
    ),
    "it began later, in a session that has got the same id": (
        [on_record(family=(who(700),)), Fact(pids=(701,), session=200, age=5)],
        CRASHED,
    ),
    "one on record has left the session, and another one has got its id": (
        [on_record(family=(who(700),)), Fact(pids=(700,)), Fact(pids=(701,), session=200, age=5)],
        "web: unhealthy, exit 1; runs without its window (pid 700)",
    ),
    "the launcher's pid is another process's by now": (
        [on_record(), Fact(pids=(200, 700), session=200)],
        CRASHED,
    ),
    "it is in another session": ([on_record(), Fact(pids=(700,), session=300)], CRASHED),
}

WATCHED = {
    "its watcher was killed": (
        [running(WATCHING, **OLD)],
        "web: running, exit 0; its files are not watched: the watcher was killed; inv web.start has them watched again",
    ),
    "nothing can be watched": (
        [running(WATCHING, cannot_watch="watchfiles is not installed: pip install …", **OLD)],
        "web: running, exit 0; its files are not watched: watchfiles is not installed: pip install …; "
        "inv web.start has them watched again",
    ),
    "a pattern matches nothing": (
        [running(WATCHING, watched=("scr/**",), **OLD)],
        "web: running, exit 0; no file matches its watch: scr/**",
    ),
    "it crashed and waits for a change of its files": (
        [ended(WATCHING, run={"exit_code": 1}, pane=alive(WATCHING, **OLD).pane, pids=(200,), **OLD)],
        "web: crashed, exit 3; exit 1; it starts again when a watched file changes",
    ),
}


@pytest.mark.parametrize("name", STATES)
def test_status(name: str) -> None:
    shown, line = STATES[name]
    assert play(History({0: shown}, []), status) == ([line], [])


@pytest.mark.parametrize("name", WATCHED)
def test_status_of_a_service_that_watches_its_files(name: str) -> None:
    shown, line = WATCHED[name]
    assert play(History({0: shown}, [], services=(WATCHING,)), status) == ([line], [])


def test_a_launcher_that_was_killed_is_put_on_record_by_whoever_sees_it_first() -> None:
    """It was told by status, and no event told of it."""
    found = play(History({0: [ended(run={"ended": None}, **OLD)]}, []), lambda world, wanted: status(world, wanted * 2))
    line = "web: crashed, exit 3; its launcher was killed"
    assert found == ([line, line], ["0: record that web lost its launcher", "0: event crash of web"])


@pytest.mark.parametrize("name", LEFT_IN_A_SESSION)
def test_what_is_left_in_the_session_of_a_killed_launcher_whose_end_is_on_record(name: str) -> None:
    """A child of a title-setter, which has no tags, lived on beside "crashed, its launcher was killed"."""
    shown, line = LEFT_IN_A_SESSION[name]
    assert play(History({0: shown}, []), status) == ([line], [])


@pytest.mark.parametrize("name", ONE_SHOTS)
def test_status_of_a_one_shot(name: str) -> None:
    shown, line = ONE_SHOTS[name]
    assert play(History({0: [shown]}, [], services=(JOB,)), status) == ([line], [])


@pytest.mark.parametrize("name", WITHOUT_HTTP)
def test_status_of_a_suspended_service(name: str) -> None:
    suspended = seen_ready(running(WITHOUT_HTTP[name], is_suspended=True, **OLD))
    line = "web: unhealthy, exit 1; not healthy: it is suspended; kill -CONT -- -200 lets it go on"
    assert play(History({0: [suspended]}, [], services=(WITHOUT_HTTP[name],)), status) == ([line], [])


@pytest.mark.parametrize("name", WITHOUT_HTTP)
def test_a_record_that_names_another_process_hides_none_of_its_own(name: str) -> None:
    """Its pid was null, and that it was suspended nobody told."""
    shown = seen_ready(running(WITHOUT_HTTP[name], is_suspended=True, run={"pid": 999, "ticks": 9}, **OLD))
    line = "web: unhealthy, exit 1; not healthy: it is suspended; kill -CONT -- -200 lets it go on"
    assert play(History({0: [shown]}, [], services=(WITHOUT_HTTP[name],)), status) == ([line], [])


def test_status_knows_the_port_that_was_picked_on_another_tmux_server() -> None:
    picked = service("web", auto_port=True, health=Health("http", "/"))
    there = replace(running(picked, run={"port": 20500}, **OLD), port=20500, socket="second")
    (line,), _ = play(History({0: [there]}, [], services=(picked,)), status)
    assert line.startswith("web: running, exit 0; its window is on a tmux server that is not reached from here")


def test_a_window_that_is_marked_as_another_service_s_is_its_launcher_s() -> None:
    history = History({0: [replace(running(DB, **OLD), marked_as="web")]}, [], services=(WEB, DB))
    assert play(history, status) == (["web: stopped, exit 3", "db: running, exit 0"], [])


def test_a_service_that_told_it_was_ready_is_so_without_its_record_too() -> None:
    notifying = service("web", 3000, health=Health("notify"))
    lost = replace(running(notifying, **OLD), run=None)
    assert play(History({0: [seen_ready(lost)]}, [], services=(notifying,)), status) == (["web: running, exit 0"], [])
    not_yet = History({0: [replace(running(notifying, **OLD), age=1.0, run=None)]}, [], services=(notifying,))
    assert play(not_yet, status) == (["web: starting, exit 0"], [])


def test_status_of_several_is_told_in_their_order() -> None:
    history = History({0: [running(**OLD), ended(DB, run={"exit_code": 1}, **OLD)]}, [], services=(WEB, DB, JOB))
    lines = ["web: running, exit 0", "db: crashed, exit 3; exit 1", "job: stopped, exit 3"]
    assert play(history, status) == (lines, [])


def test_what_the_configuration_names_no_more_is_shown_while_it_runs() -> None:
    def all_of_them(world: ScriptedWorld, wanted: Sequence[str]) -> Any:
        return status(world, wanted, and_unconfigured=True)

    shown = [running(**OLD), running(OLD_SERVICE, **OLD), ended(DB, run={"exit_code": 1}, **OLD)]
    told, _ = play(History({0: shown}, []), all_of_them)
    assert told == ["web: running, exit 0", "old: running, exit 0; it is configured no more; inv down ends it"]


RETRIED = service("web", 3000, health=Health("http", "/", retries=2))


@pytest.mark.parametrize(
    ("turns", "line"),
    [
        ([sick], "web: running, exit 0"),
        ([sick, sick], "web: running, exit 0"),
        ([sick, sick, sick], f"web: unhealthy, exit 1; {NOT_FOUND}"),
    ],
)
def test_status_of_what_is_unhealthy_is_looked_at_again_as_often_as_its_check_has_retries(
    turns: Sequence[Any], line: str
) -> None:
    shown = [*turns, running][:3]
    history = History(
        {at: [seen_ready(fact(RETRIED, **OLD))] for at, fact in enumerate(shown)}, [], services=(RETRIED,)
    )
    assert play(history, status) == ([line], [])


def test_status_of_what_starts_is_not_looked_at_again() -> None:
    assert play(History({0: [sick(RETRIED, **OLD)]}, [], services=(RETRIED,)), status) == (
        ["web: starting, exit 0"],
        [],
    )


def test_an_api_that_is_not_healthy_is_asked_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hung kept a person waiting three times as long as its status did."""
    asked: list[int | None] = []

    def ask(turn: Turn, question: Question) -> Answer:
        asked.append(question.port)
        return SICK

    monkeypatch.setattr(Turn, "ask", ask)
    world = ScriptedWorld(facts.workspace(WEB), {0: [sick(run=LONG_AGO, **OLD)]})
    report, listed = workers(world, "web")
    assert (report.state, listed, asked) == ("unhealthy", [], [3000])


def test_ps_of_all_workspaces_asks_nobody_elsewhere() -> None:
    def flat(world: ScriptedWorld, wanted: Sequence[str]) -> Any:
        return [replace(report, notes=(report.workspace.path,)) for each in everything(world) for report in each]

    shown = [
        running(**OLD),
        elsewhere(seen_ready(running(DB, **OLD))),
        replace(elsewhere(alive(OLD_SERVICE, **OLD), home="/home/ann/third"), socket="work"),
    ]
    told, _ = play(History({0: shown}, []), flat)
    assert told == [
        "web: running, exit 0; /home/ann/app",
        "db: running, exit 0; /home/ann/other",
        "old: starting, exit 0; /home/ann/third",
    ]


def test_what_was_ready_at_once_in_another_workspace_was_unhealthy_there_for_a_second() -> None:
    """How it is asked is not known here, and who stays up was not believed to before that second was over."""

    def flat(world: ScriptedWorld, wanted: Sequence[str]) -> Any:
        return [report for each in everything(world) for report in each if report.service.name != "web"]

    young = {"age": 0.1, "run": {"started": NOW}, **OLD}
    shown = [elsewhere(seen_ready(alive(service("old"), **young)))]
    assert play(History({0: shown}, []), flat) == (["old: running, exit 0"], [])


def test_who_watches_sees_what_is_so_after_each_pause() -> None:
    world = ScriptedWorld(facts.workspace(WEB), {0: [running(**OLD)], 1: [ended(run={"exit_code": 3}, **OLD)], 2: []})
    seen = [[report.state for report in own] for (own,) in islice(looks(world, ["web"], everywhere=False), 3)]
    assert seen == [["running"], ["crashed"], ["stopped"]]
