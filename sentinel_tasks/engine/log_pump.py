"""The log pump's command, and starting one again after somebody has killed it."""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from pathlib import Path

from ..errors import TmuxRefused
from ..model import Pane, Service
from ..world import World

SUPERVISOR = Path(__file__).parent.parent / "supervisor"
PYTHON = (sys.executable, "-I", "-S", "-X", "utf8")


def log_command(service: Service, log: Path) -> str:
    """The shell command of the log pump; the launcher's pid follows."""
    words = [*PYTHON, SUPERVISOR / "pump.py", log, service.log_max_bytes, service.log_backups]
    return f"exec {shlex.join(str(word) for word in words)}"


def start_again(world: World, service: Service, log: Path, pane: Pane) -> None:
    """What the service prints from now on is in its log again; what it printed meanwhile is lost to that."""
    with suppress(TmuxRefused):  # the window was closed meanwhile
        world.tmux.pipe(pane, log_command(service, log))
