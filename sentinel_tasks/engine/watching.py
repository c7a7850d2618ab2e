"""Sees to it that a watcher runs where a service wants one. tmux starts it: it is below no task and no service."""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from pathlib import Path

from ..decisions.pause import pause_after
from ..errors import TmuxRefused
from ..model import Observation, Service
from ..world import World

SCRIPT = Path(__file__).parent.parent / "watcher" / "__main__.py"
OURS = ("env", "-u", "SENTINEL_WORKSPACE", "-u", "SENTINEL_SERVICE")
"""A tmux server that was started by a service hands its tags on, and the watcher is no part of it."""
WATCHER_SECONDS = 5.0
"""How long a start waits until the watcher tells for whom it watches."""


def wish_of(service: Service, launch: str) -> dict[str, object] | None:
    """What the watcher is told of a launch; None if no file of the service is to be watched."""
    if not service.watch:
        return None
    return {
        "launch": launch,
        "patterns": service.watch,
        "ignore": service.watch_ignore,
        "debounce": service.watch_debounce,
        "git_ignored": service.watch_git_ignored,
    }


def have_it_watched(world: World, folder: str) -> None:
    """The watcher of this state folder sees for whom it has to watch now; one is started if there is none."""
    files = world.watcher_files(folder)
    if files.has_it_look_anew():
        return
    files.forget()
    words = [*OURS, sys.executable, "-X", "utf8", str(SCRIPT), str(files.state), world.workspace.path]
    quietly = f"cd {shlex.quote(str(files.folder))} && {shlex.join(words)} </dev/null >/dev/null 2>&1 || :"
    with suppress(TmuxRefused):  # its server has ended, and the services with it
        world.tmux.run_beside(f"exec /bin/sh -c {shlex.quote(quietly)}")


def await_watcher(world: World, service: Service, seen: Observation) -> None:
    """Waits until the watcher watches for what runs, or tells why it can't."""
    files, began = world.watcher_files(seen.state_folder), world.monotonic()
    while (waited := world.monotonic() - began) < WATCHER_SECONDS:
        told = files.told()
        found = told.services.get(service.name)
        if told.error or (found and found.launch == seen.launch and files.is_alive()):
            return
        world.sleep(pause_after(waited))
