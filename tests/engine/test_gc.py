"""Gc as histories: what is ended of workspaces that are gone, and that nothing else is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from sentinel_tasks.decisions.gone import Fate
from sentinel_tasks.engine.gc import Collected, collect
from sentinel_tasks.folder import Folder, Grip, Identity, Mount
from sentinel_tasks.model import Run, Workspace
from sentinel_tasks.names import state_name
from sentinel_tasks.observation.workspaces import Known, Left
from tests import facts
from tests.engine.histories import DB, EARLIER, WEB, ended, running
from tests.facts import NOW, OTHER_PATH
from tests.scripted import Door, ScriptedWorld
from tests.turns import Fact

FOLDER = Folder(OTHER_PATH, Identity(7, 1, 1, 1), Mount("/", "ext4", 1, 1))
REMOVED, MOVED = (Grip(7, 1, OTHER_PATH, True, False, NOW - 60), Grip(7, 1, "/home/ann/new", False, True, 0.0))
WEEK = 604_800.0
STATE = Path("/state") / state_name(OTHER_PATH)


def of_other(fact: Fact) -> Fact:
    """The same of the other workspace."""
    assert fact.pane is not None
    pane = replace(fact.pane, home=OTHER_PATH, workspace=OTHER_PATH, session=facts.OTHER_SESSION, session_id="$2")
    return replace(fact, pane=pane)


THERE, GONE = of_other(running(WEB, EARLIER)), of_other(ended(WEB, EARLIER, {"interrupted": True}))


class Machine(ScriptedWorld):
    """A scripted world in which only this workspace's folder is there; of the other one it is known what is given."""

    def __init__(self, turns: Mapping[float, Sequence[Fact]], **known: Any) -> None:
        super().__init__(facts.workspace(DB), turns)
        self.known = {"folder": FOLDER, "grip": REMOVED, "is_there": False, "by_identity": "", **known}
        self.share(self)

    def share(self, world: ScriptedWorld) -> None:
        """The other workspace's world goes on in the same turns, and both have the same folders."""
        known, folder = self.known, self.known["folder"]
        vars(world).update(
            collecting=Nothing,
            with_workspace=self.other,
            folders=Door(
                world,
                known_folders=lambda root: {state_name(OTHER_PATH): folder} if folder else {},
                is_there=lambda path: (True, "") if path == facts.PATH else (known["is_there"], "Permission denied"),
                mount_state=lambda was, is_another_boot: "mounted",
                held_by=lambda pid: known["grip"],
                place_by_git=lambda folder: "",
                place_by_identity=lambda folder, others: known["by_identity"],
                changed_above=lambda path: known.get("changed"),
                note_gone=lambda state, folder, since: self._send(f"note gone since {since - NOW:g}"),
                remove=self._remove,
                remove_leftovers=lambda root: None,
            ),
        )

    def _remove(self, state: Path, folder: Folder) -> bool:
        self._send(f"remove {state}")
        return True

    def other(self, there: Workspace) -> ScriptedWorld:
        world = ScriptedWorld(there, {self.time: self.turn.shown, **dict(self.later)})
        vars(world).update(sent=self.sent, closed=self.closed)
        vars(world.tmux).update(close_session=lambda session: self._send(f"close {session}"))
        self.share(world)
        return world


class Nothing:
    """Nobody else collects."""

    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def told(done: Sequence[Collected]) -> list[str]:
    return [
        f"{each.known.fate.word}: {','.join(each.known.running)}"
        + ("" if each.ended is None else f"; ended {each.ended.failure}".rstrip())
        + ("; removed" if each.removed else "")
        for each in done
    ]


def test_what_a_gone_workspace_has_left_is_ended_as_by_a_stop_and_its_session_closed() -> None:
    machine = Machine({0: [THERE], 0.1: [GONE]})
    assert told(collect(machine, WEEK)) == ["gone: web; ended"]
    assert machine.sent == ["0: INT 200", "0: INT 201", "0: close $2", "0: note gone since -60"]


def test_a_dry_run_ends_nothing() -> None:
    machine = Machine({0: [THERE]})
    assert told(collect(machine, WEEK, dry=True)) == ["gone: web; ended"]
    assert machine.sent == []


@pytest.mark.parametrize(
    ("known", "word"),
    [
        ({"grip": MOVED}, "moved"),
        ({"grip": None, "by_identity": "/home/ann/new"}, "moved"),
        ({"grip": replace(MOVED, is_reachable=False)}, "not-mounted"),
        ({"grip": replace(REMOVED, inode=8, place="/home/ann/web"), "folder": None}, "in-doubt"),
        ({"is_there": None}, "in-doubt"),
    ],
)
def test_what_may_be_elsewhere_is_left(known: Mapping[str, Any], word: str) -> None:
    machine = Machine({0: [THERE]}, **known)
    assert told(collect(machine, 0.0)) == [f"{word}: web"]
    assert machine.sent == []


def test_a_workspace_that_is_there_is_not_told_at_all() -> None:
    machine = Machine({0: [THERE, running(DB, EARLIER)]}, is_there=True)
    assert told(collect(machine, 0.0)) == []
    assert machine.sent == []


@pytest.mark.parametrize(("changed", "removed"), [(NOW - WEEK - 1, True), (NOW - WEEK + 1, False)])
def test_the_state_of_a_workspace_is_kept_for_a_while(changed: float, removed: bool) -> None:
    machine = Machine({0: []}, changed=changed)
    assert told(collect(machine, WEEK)) == [f"gone: {'; removed' if removed else ''}"]
    assert machine.sent == [f"0: remove {STATE}" if removed else f"0: note gone since {changed - NOW:g}"]


def test_how_services_are_stopped_whose_configuration_nobody_reads_is_on_record() -> None:
    run = Run("L", 200, stop_timeout=2.0, stop_signal="TERM", needs=("db", "gone"))
    left = Left(running={"web": set(), "db": set()}, runs={"web": run})
    services = Known(OTHER_PATH, Fate("here"), left, STATE).services()
    web = services["web"]
    assert (web.stop_timeout, web.stop_signal, web.depends_on) == (2.0, "TERM", (("db", "started"),))
    assert (services["db"].stop_timeout, services["db"].depends_on) == (10.0, ())


def test_what_would_not_end_keeps_its_state() -> None:
    machine = Machine({second: [THERE] for second in (0, 10, 13, 14, 15.1)})
    assert told(collect(machine, 0.0)) == ["gone: web; ended web: would not stop: still there after SIGKILL: 200, 201"]
    assert not any("remove" in each or "note" in each for each in machine.sent)
