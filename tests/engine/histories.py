"""What histories are made of: services, what a turn shows of them, and how a history is played and told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sentinel_tasks.engine.start import Options
from sentinel_tasks.errors import SentinelError, TmuxRefused
from sentinel_tasks.model import Answer, Health, Report, Run, Service
from tests import facts
from tests.facts import HEALTHY, NOW, PATH, SICK
from tests.scripted import ScriptedWorld
from tests.turns import MINE, Fact

EARLIER = "a launch before"
OLD: Mapping[str, Any] = {"launch": EARLIER}
"""For what is there already when the task begins."""
NOTHING: Mapping[str, Any] = {}


class History(Struct, frozen=True):
    """What the world shows from which second on; what it is sent then, and what is told at the end."""

    turns: Mapping[float, Sequence[Fact]]
    told: list[str]
    sent: list[str] = []
    services: tuple[Service, ...] = ()
    wanted: tuple[str, ...] = ()
    options: Options = Options()
    environ: Mapping[str, str] = NOTHING


def play(history: History, act: Callable[[ScriptedWorld, list[str]], list[Report]]) -> tuple[list[str], list[str]]:
    """Lets a task act until it ends, at the last turn; what it told and what the world was sent."""
    services = history.services or (WEB,)
    world = ScriptedWorld(facts.workspace(*services), history.turns, **history.environ)
    wanted = list(history.wanted or [each.name for each in services])
    try:
        told = [_line(report) for report in act(world, wanted)]
    except SentinelError as reason:
        told = [f"exit {reason.exit_code}: {reason.what}"]
    assert not world.later, f"it ended before the last turn, and told {told}"
    return told, world.sent


def _line(report: Report) -> str:
    """`web: running, changed, exit 0; its error; its notes; | its output`.

    What a refusal tells of the holder is tested elsewhere.
    """
    changed = ", changed" if report.changed else ""
    words = [f"{report.service.name}: {report.state}{changed}, exit {report.code}", report.error]
    words += [*(report.notes if report.code != 4 else ()), *(f"| {line}" for line in report.tail)]
    return "; ".join(word for word in words if word)


# The services of most histories


def service(name: str, port: int | None = None, **keys: Any) -> Service:
    """A service that is asked by HTTP if it has a port."""
    health = Health("http", "/") if port else Health("up")
    given = {"title": name, "port": port, "health": health, "window": name, "index": None}
    return facts.service(name, **{**given, "command": ("node", "."), **keys})


WEB = service("web", 3000)
WATCHING = service("web", 3000, watch=("src/**",))
DB = service("db", 5432)
JOB = service("job", health=Health("exit"))
PIDS = {"web": 200, "db": 300, "job": 400, "old": 500, "web-1": 600, "web-2": 620, "web-3": 640}
"""The launcher of each service; of this task's launch it is ten more, and the service's own process is the next one."""


# In its own window


def alive(of: Service = WEB, launch: str = MINE, run: Mapping[str, Any] = NOTHING, **keys: Any) -> Fact:
    """Its launcher and its process run; it listens nowhere."""
    pid = PIDS[of.name] + 10 * (launch == MINE)
    record = Run(launch, pid, pid + 1, began=NOW, started=NOW, launcher_ticks=pid, ticks=pid + 1)
    pane = facts.pane(
        session=facts.SESSION, service=of.name, window_name=of.name, launch=launch, launcher=pid, pid=pid, port=of.port,
        pane_id=f"%{pid}", kind=of.health.kind,
    )  # fmt: skip
    given = {"pane": pane, "run": replace(record, **run), "pids": (pid, pid + 1), "foreground": (pid, pid + 1)}
    return Fact(of.name, **{**given, **keys})


def running(of: Service = WEB, launch: str = MINE, **keys: Any) -> Fact:
    """It listens and is healthy."""
    return alive(of, launch, **{"port": of.port, "answer": HEALTHY, **keys})


def sick(of: Service = WEB, launch: str = MINE, **keys: Any) -> Fact:
    """It listens and is not healthy."""
    return running(of, launch, **{"answer": SICK, **keys})


def ended(of: Service = WEB, launch: str = MINE, run: Mapping[str, Any] = NOTHING, **keys: Any) -> Fact:
    """Its window is dead; how it ended is in its record."""
    was = alive(of, launch, {"ended": NOW, **run})
    assert was.pane is not None
    return replace(was, **{"pane": replace(was.pane, dead=True), "pids": (), "foreground": (), **keys})


# Elsewhere


def stray(of: Service = WEB, pid: int = 700, **keys: Any) -> Fact:
    """A process of the service that left its window."""
    tagged = replace(facts.LISTENER, workspace=PATH, service=of.name)
    return Fact(of.name, pids=(pid,), listener=tagged, is_stray=True, **keys)


def stranger(pid: int = 800, port: int = 3000, folder: str = "/elsewhere", **keys: Any) -> Fact:
    """A process outside tmux that listens on the port."""
    return Fact(**{"pids": (pid,), "port": port, "listener": replace(facts.LISTENER, cwd=folder), **keys})


def by_hand(pid: int = 900, port: int | None = 3000, answer: Answer | None = HEALTHY, **keys: Any) -> Fact:
    """A server that a person started in a window of the session."""
    pane = facts.foreign_pane(session=facts.SESSION, workspace=PATH, pid=pid, window_name="sh", index=5)
    return Fact(pane=pane, pids=(pid, pid + 1), port=port, answer=answer, **keys)


def locked(of: Service = WEB) -> Fact:
    """Another task acts on the service."""
    return Fact(of.name, is_locked=True)


def refusing(of: Service = WEB, what: str = "duplicate session: sentinel-app", was_overtaken: bool = True) -> Fact:
    """Tmux opens no window for the service."""
    return Fact(of.name, refusal=TmuxRefused(what, was_overtaken=was_overtaken))


CTRL_C = Fact(ctrl_c=True)
