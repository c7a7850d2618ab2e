"""What the launcher does while it waits: hears signals, reaps children, ends the service step by step, looks around."""

from __future__ import annotations

import os
import time

from ..lineage.signals import signal
from .child import outcome
from .children import Children
from .commands import Commands
from .ending import LEFTOVER_SECONDS, TASK_SECONDS, Ending, Step, end_of_leftovers, stop_of_the_service
from .family import Family
from .followers import Followers
from .liveness import Liveness
from .memory import Memory
from .notices import Notices
from .orders import Orders
from .reactions import Reactions
from .record import say
from .wakeup import READY, Wakeup
from .window import Window
from .window_state import WindowState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .carrier import Carrier
    from .lease import Leases
    from .record import Record

ASKED_SECONDS = 30.0
"""An end counts as asked for until so many seconds, and the stop timeout, after the last signal that asked for it."""
LOOKS = (0.5, 2.0, 10.0, 60.0)
"""Seconds of a run after which its processes are looked for."""
SECONDS_BETWEEN_LOOKS, SECONDS_UNTIL_ONE_IS_KNOWN = 5.0, 0.05
"""At least, where children end one after the other."""
WINDOW_CLOSED = "its window was closed"
ENDED_BY_C_C = (-signal.SIGINT, 128 + signal.SIGINT)
NEVER = float("inf")


def look_after_an_end(looked_at: float, has_a_known_one: bool) -> float:
    """When to look again after a process of the run has ended: at once if none of those on record lives on.

    It may have gone on as another process, which nobody could tell from a stranger's once the launcher is killed.
    """
    return looked_at + (SECONDS_BETWEEN_LOOKS if has_a_known_one else SECONDS_UNTIL_ONE_IS_KNOWN)


class Watch:
    """The one place where the launcher sleeps; `turn` returns after whatever may matter to the one who waits."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.family = Family((os.getpid(), record.ticks))
        self.wakeup, self.window = Wakeup(), Window()
        self.commands = Commands(self.family, self.wakeup)
        self.children = Children(self.commands.take)
        self.family.reap = self.children.collect
        if self.window.is_terminal:
            self.wakeup.watch(self.window.descriptor)
        self.stop_timeout, self.stop_signal = 0.0, int(signal.SIGINT)
        self.stop_command: str | list[str] | None = None
        self.ending: Ending | None = None
        self.cause: str | None = None
        self.failure: str | None = None
        self.is_failed = False
        self.heard_ready: Callable[[], object] = lambda: None
        self.notices = Notices(record, self._is_of_the_service, self._end_as_failed)
        self.liveness = Liveness(self.commands, self._end_as_failed)
        self.memory = Memory(self.family, self._end_as_failed, self._kill)
        self.shown = WindowState(self.commands, self.window)
        self.liveness.show = self.notices.show = self.shown.tell
        self.tmux: str | None = None
        self._carrier: Carrier | None = None
        record.carry = self._carry
        self.orders, self.followers = Orders(), Followers(record, self.commands)
        self.reactions = Reactions(record, self.commands, self._end_as_a_stop_does, self.pass_on)
        self.leases: Leases | None = None
        self._has_command_run = False
        self.is_running = False
        self._asked_at = -NEVER
        self._looks: list[float] = []
        self._looked_at = 0.0
        self._keeps_c_c = False

    def begin(self, main: int) -> None:
        """A run has begun, with this process."""
        self._looked_at = time.monotonic()
        self._looks = [self._looked_at + each for each in LOOKS]
        self.children.begin(main)
        self.ending, self.is_running, self._keeps_c_c = None, True, False
        self.failure, self.is_failed, self._has_command_run = None, False, False
        self.liveness.begin()
        self.memory.begin()

    def _carry(self, text: str) -> None:
        """Has the window tell what no file can; what only a failure needs is imported with it."""
        if self._carrier is None and self.tmux is not None:
            from .carrier import Carrier

            self._carrier = Carrier(self.tmux, self.commands, self.window)
        if self._carrier is not None:
            self._carrier.tell(text)

    @property
    def is_telling(self) -> bool:
        """True while tmux is being told something."""
        return self.shown.is_telling or (self._carrier is not None and self._carrier.is_telling)

    def is_asked(self) -> bool:
        """True once the service is to end: for good if its window is gone or its lease over, else for a limited time.

        A service may survive a signal and go on.
        """
        is_over = self.window.is_gone() or self._end_of_lease() != ""
        return is_over or time.monotonic() - self._asked_at < ASKED_SECONDS + self.stop_timeout

    def turn(self, deadline: float = NEVER) -> None:
        """Waits until something happens or is due, and does what it asks for."""
        due = min(deadline, self.commands.next_due, self._looks[0] if self._looks else NEVER)
        due = min(due, self.ending.next_due if self.ending else NEVER, self.leases.next_due if self.leases else NEVER)
        if self.is_running:
            due = min(due, self.liveness.next_due, self.notices.next_due, self.memory.next_due, self.followers.next_due)
            due = min(due, self.shown.next_due)
        self._hear(self.wakeup.wait(None if due == NEVER else max(0.0, due - time.monotonic())))
        if self.is_running:
            self.notices.heed()
        self.reap()
        self.commands.advance()
        self._mind_window_and_lease()
        self._heed_orders()
        if self.is_running:
            self.liveness.advance(may_ask=self.ending is None and not self.is_asked())
            self.memory.advance()
            self.followers.advance()
            self.shown.advance()
        if self.ending:
            self.ending.advance()
        self._look_around()

    def _heed_orders(self) -> None:
        for order in self.orders.taken():
            if not self.is_asked():
                is_there = self.children.main != 0 or self.record.facts.get("backgrounded") is not None
                self.reactions.heed(order, self.is_running and self.ending is None and is_there)

    def _is_of_the_service(self, pid: int) -> bool:
        return any(each.pid == pid for each in self.family.look())

    # Requests

    def hear_what_came(self) -> None:
        """Does what signals ask for that came already; never waits."""
        self._hear(self.wakeup.taken())
        self._mind_window_and_lease()

    def is_called_off(self) -> bool:
        """True if what has come until now asks for an end."""
        self.hear_what_came()
        return self.is_asked()

    def _hear(self, numbers: list[int]) -> None:
        for number in numbers:
            if number == signal.SIGHUP and not self.window.is_gone():
                self.pass_on(signal.SIGHUP)
            elif number == signal.SIGTERM:
                self._ask()
                self._term()
            elif number == READY:
                self.heard_ready()
            elif number in (signal.SIGINT, signal.SIGQUIT):
                self._ask()
                if not self._run_stop_command():
                    self._reach_the_background(number)

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        if self.is_running:
            self.record.note(asked=time.time())

    def pass_on(self, number: int) -> None:
        """To the service's own process, or to those that it left to us."""
        main, living = self.children.main, self.family.look() if self.children.are_there else []
        above = [each for each in living if (each.pid == main if main else each.parent == self.family.launcher[0])]
        self.family.send(number, above)

    def _term(self) -> None:
        """Passes it on; whoever asks in this way leaves the rest to us."""
        if self.children.main:
            self.pass_on(signal.SIGTERM)
            self._end(end_of_leftovers(self.stop_timeout))
        else:
            self._end(end_of_leftovers(0.0))
            self._hurry(0.0)

    def _reach_the_background(self, number: int) -> None:
        """C-c does not reach what has gone into the background."""
        if self.children.main == 0 and self.children.are_there and self.ending is None:
            self.family.send(self.stop_signal if number == signal.SIGINT else number, self.family.elsewhere())
            self._end(end_of_leftovers(TASK_SECONDS))

    def _run_stop_command(self) -> bool:
        """True if the service is asked to end by its own command, once for each run."""
        if self.stop_command is None or not self.is_running:
            return False
        if not self._has_command_run:
            self._has_command_run = True
            if not self.children.main:
                self._end(end_of_leftovers(self.stop_timeout))
            self.commands.start(
                self.stop_command, self.stop_timeout, self._stop_command_ended, not self.window.is_gone()
            )
        return True

    def _stop_command_ended(self, code: int | None, said: str) -> None:
        """Asks by signal instead if the command failed; after its time the escalation has gone on already."""
        if code == 0 or not self.is_running:
            return
        failure = f"its stop command {'took too long' if code is None else f'failed ({outcome(code)})'}"
        self.failure = self.failure or failure
        say(failure)
        if code is not None:
            self.family.send(self.stop_signal, self.family.where_c_c_reaches())

    def _end_as_failed(self, why: str) -> None:
        """Ends the run as a stop does, but as a failure: its restart policy decides what follows."""
        if self.is_running and self.ending is None and not self.is_asked():
            self.failure, self.is_failed = why, True
            self.shown.tell("unhealthy")
            say(why)
            self.record.note(cause=why)
            self._end_as_a_stop_does()

    def _kill(self) -> None:
        """Ends the run at once, whatever was tried before."""
        if self.children.are_there:
            self.ending = Ending(self.family, [Step(0.0, signal.SIGKILL)])

    def _end_as_a_stop_does(self) -> None:
        steps = stop_of_the_service(self.stop_timeout, self.stop_signal)
        self._end(steps[1:] if self._run_stop_command() else steps)

    def _end(self, steps: list[Step]) -> None:
        if self.ending is None and self.children.are_there:
            self.ending = Ending(self.family, steps)

    def _hurry(self, patience: float) -> None:
        if self.ending:
            self.ending.hurry(patience)

    # Ends

    def reap(self) -> None:
        """Takes note of every end so far, after whatever asked for it."""
        was_running = self.children.main
        if not self.children.reap():
            return
        self.hear_what_came()  # before the end that has just been seen
        if was_running and not self.children.main:
            if self._keeps_c_c and self.children.code in ENDED_BY_C_C:
                self._ask()
            self._hurry(LEFTOVER_SECONDS)
        soon = look_after_an_end(self._looked_at, self.family.has_a_known_one())
        if not self._looks or self._looks[0] > soon:
            self._looks.insert(0, soon)

    def _end_of_lease(self) -> str:
        """Why its lease is over; empty if it is not, or if it has none."""
        return self.leases.over if self.leases else ""

    def _mind_window_and_lease(self) -> None:
        if self.leases and not self.leases.over:
            self.leases.advance()
        cause = WINDOW_CLOSED if self.window.is_gone() else self._end_of_lease()
        if self.cause or not cause:
            return
        self.cause = cause
        if self.is_running:
            self.record.note(asked=time.time(), cause=self.cause)
        self._end_as_a_stop_does()
        if not self.children.main:
            self._hurry(LEFTOVER_SECONDS)

    # Looks

    def _look_around(self) -> None:
        now = time.monotonic()
        if not self._looks or self._looks[0] > now:
            return
        self._looks = [each for each in self._looks if each > now]
        self._looked_at = now
        self._keeps_c_c = self._keeps_c_c or self.window.keeps_c_c_from_us()
        found = self.family.recorded_after_a_look()
        if self.is_running and found != self.record.facts["family"]:
            self.record.note(family=found)
