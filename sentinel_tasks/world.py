"""What the loops act through: one tmux server, one workspace's files, a clock, and a way to show that they wait."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from .model import Pane, Progress, Workspace

if TYPE_CHECKING:
    from .system import state_folder
    from .tmux import client


class World:
    """A task's surroundings; tmux and files are opened when first used, time and progress can be replaced."""

    def __init__(
        self,
        workspace: Workspace,
        environ: Mapping[str, str],
        echo: Callable[[str], None] = lambda text: None,
        progress: Callable[[Sequence[Progress]], None] = lambda waiting: None,
    ) -> None:
        self.workspace = workspace
        self.environ = dict(environ)
        self.echo = echo
        self.progress = progress
        self.now: Callable[[], float] = time.time
        self.monotonic: Callable[[], float] = time.monotonic
        self.sleep: Callable[[float], None] = time.sleep

    @cached_property
    def tmux(self) -> client.Tmux:
        """The tmux server of this workspace; nothing is asked of it yet."""
        from .tmux.client import Tmux

        return Tmux(self.workspace.socket_name, self.echo)

    @cached_property
    def state(self) -> state_folder.State:
        """The files of this workspace; nothing is made yet."""
        from .system.state_folder import State

        return State(Path(self.workspace.state_folder))

    def state_of(self, pane: Pane | None) -> state_folder.State:
        """The files of whoever started the service in this pane: another terminal may have another state folder."""
        from .system.state_folder import State

        return State(Path(pane.state)) if pane and pane.state else self.state

    def is_same_folder(self, one: str) -> bool:
        """True if the path leads to the workspace, through whatever links."""
        return os.path.realpath(one) == self.workspace.path
