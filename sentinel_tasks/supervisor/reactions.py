"""What a launcher does at an order: by default its service restarts; at changed files it may do something else."""

from __future__ import annotations

import time

from ..lineage.signals import named
from .child import outcome
from .orders import RESTART
from .record import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any

    from .commands import Commands
    from .orders import Order
    from .record import Events, Record
    from .specification import Spec

    Act = Callable[[], object]


class Reactions:
    """One service's. `reason` is why it is to restart, until the next run has begun."""

    def __init__(self, record: Record, commands: Commands, restart: Act, pass_on: Callable[[int], object]):
        self._record, self._commands, self._restart, self._pass_on = record, commands, restart, pass_on
        self.on_change: Mapping[str, Any] = {}
        self.restart_with: Collection[str] = ()
        self.seconds = 30.0
        self.events: Events | None = None
        self.reason: str | None = None
        self._next: str | None = None
        self._is_command_running = False

    def follow(self, spec: Spec, events: Events) -> None:
        """From now on by this specification."""
        self.on_change, self.events = spec.get("on_change") or {}, events
        self.restart_with = spec.get("restart_with") or ()
        self.seconds = spec.get("on_change_timeout", self.seconds)

    def heed(self, order: Order, is_running: bool) -> None:
        """Does what the order asks for; what does not run is started again, whatever else a change asks for."""
        if order.word == RESTART and order.of not in self.restart_with:
            return
        if order.word == RESTART or not is_running or not self.on_change:
            self._have_it_restarted(order.reason, is_running)
        elif "signal" in self.on_change:
            self._pass_on(named(self.on_change["signal"]))
            self._told(order.reason, f"{self.on_change['signal']} was sent")
        elif self._is_command_running:
            self._next = order.reason
        else:
            self._run_command(order.reason)

    def begin(self) -> str | None:
        """A run begins: why, if that was an order."""
        reason, self.reason = self.reason, None
        return reason

    def _have_it_restarted(self, reason: str, is_running: bool) -> None:
        if self.reason is None:
            self.reason = reason
            say(f"{reason}: {'restarting' if is_running else 'starting again'}")
            if is_running:
                self._restart()

    def _run_command(self, reason: str) -> None:
        self._is_command_running, self._next = True, None
        self._commands.start(
            self.on_change["command"], self.seconds, lambda code, said: self._ended(reason, code), is_shown=True
        )

    def _ended(self, reason: str, code: int | None) -> None:
        self._is_command_running = False
        how = f"took longer than {self.seconds:g} s" if code is None else f"ended ({outcome(code)})"
        self._told(reason, f"its command {how}")
        if self._next is not None:
            self._run_command(self._next)

    def _told(self, reason: str, what: str) -> None:
        self._record.note(reaction=f"{reason}: {what}", reacted=time.time())
        say(f"{reason}: {what}")
        if self.events:
            pid = self._record.facts.get("pid")
            self.events.write("change", pid if isinstance(pid, int) else None, f"{reason}: {what}")
