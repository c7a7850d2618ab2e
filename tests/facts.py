"""Small makers of nouns for tests of pure decisions: everything has a default, a test names only what matters to it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from sentinel_tasks.lineage.process import Process
from sentinel_tasks.model import (
    Answer,
    Health,
    Holder,
    Identity,
    Launcher,
    Listener,
    Observation,
    Pane,
    Relation,
    Report,
    Run,
    Service,
    State,
    Workspace,
    identity_of,
)

PATH, SESSION = "/home/ann/app", "sentinel-app"
OTHER_PATH, OTHER_SESSION = "/home/ann/other", "sentinel-other"
NOW = 1_000_000.0
HEALTHY, SICK = Answer(True, "200", 1.2), Answer(False, "HTTP 404 from http://localhost:3000/")

OWN_PANE = Pane(
    session=SESSION,
    session_id="$1",
    session_path=PATH,
    workspace=PATH,
    ports="",
    window_id="@3",
    window_name="📡 telemetry",
    index=2,
    pane_id="%5",
    pid=4000,
    dead=False,
    service="telemetry",
    launch="L1",
    launcher=4000,
    port=3000,
    ready="",
    home=PATH,
    server=3000,
)
OWN_RUN = Run(launch="L1", launcher=4000, pid=4242, began=NOW - 192.4, started=NOW - 192.4)
ENDED_RUN = replace(OWN_RUN, ended=NOW - 120, exit_code=1)


def process(pid: int, parent: int = 1, **keys: Any) -> Process:
    """A process of user 1000 in a group of its own, which began at the tick of its pid's number."""
    return Process(pid, pid, parent, **{"group": pid, "session": pid, "uid": 1000, **keys})


SERVER, LAUNCHER = process(3000, kind="multiplexer"), process(4000, 3000, kind="launcher")
MAIN = process(4242, 4000, group=4000)
OWN_LAUNCHER = Launcher(identity_of(LAUNCHER), "L1", 3000)
LISTENER = Listener(
    address="127.0.0.1", identity=Identity(5000, 5000), name="node", user="ann", own_user=True, cwd=PATH,
    line=(process(5000), process(1, 0)),
)  # fmt: skip


def service(name: str = "telemetry", **keys: Any) -> Service:
    """The guide's telemetry service, or as told."""
    given: dict[str, Any] = {
        "title": "Worker Telemetry API",
        "command": "bun run api.ts",
        "why": "configured",
        "cwd": PATH,
        "port": 3000,
        "health": Health("http", "/api/workers/registry"),
        "window": "📡 telemetry",
        "index": 2,
    }
    return Service(name=name, **{**given, **keys})


def workspace(*services: Service) -> Workspace:
    """A workspace with these services."""
    return Workspace(PATH, SESSION, "/state/app", services)


def pane(**keys: Any) -> Pane:
    """The service's own pane, or as told."""
    return replace(OWN_PANE, **keys)


def foreign_pane(**keys: Any) -> Pane:
    """A pane that a person opened elsewhere: no mark of ours on it."""
    made_by_hand: dict[str, Any] = {
        "session": "work",
        "session_id": "$9",
        "session_path": "/home/ann",
        "workspace": "",
        "window_id": "@9",
        "window_name": "vim",
        "index": 1,
        "pane_id": "%9",
        "pid": 4900,
        "service": "",
        "launch": "",
        "launcher": 0,
        "port": None,
        "home": "",
    }
    return pane(**{**made_by_hand, **keys})


def listener(**keys: Any) -> Listener:
    """A process of this user outside tmux, run from the workspace, or as told."""
    return replace(LISTENER, **keys)


def holder(relation: Relation, inside: bool = False, pid: int = 5000, pane: Pane | None = None) -> Holder:
    """A listener that was already classified."""
    return Holder(listener(identity=Identity(pid, pid)), relation, pane, inside)


def seen(**keys: Any) -> Observation:
    """A look at a service that was never started, or as told."""
    return Observation(**{"now": NOW, "session": SESSION, "port": 3000, **keys})


def seen_alive(**keys: Any) -> Observation:
    """A look at a service whose launcher runs in its own window."""
    alive = {"pane": OWN_PANE, "launcher": OWN_LAUNCHER, "run": OWN_RUN, "family": (MAIN,)}
    return seen(**{"session_exists": True, **alive, **keys})


def seen_ended(**keys: Any) -> Observation:
    """A look at a service whose window is there, dead."""
    return seen(**{"session_exists": True, "pane": pane(dead=True), "run": ENDED_RUN, **keys})


def report(state: State, observation: Observation, of: Service | None = None, **keys: Any) -> Report:
    """A report on the guide's telemetry service."""
    of = of or service()
    return Report(of, state, observation, workspace(of), **keys)
