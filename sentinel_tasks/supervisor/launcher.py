"""The launcher: takes its launch specification, runs the service as its child, and records how it ended.

It stays the service's parent because tmux reports exit codes late, and in the service's process group so that C-c
reaches both. Whatever the service starts stays below it, and ends with it; when its window goes, it ends the service.

One runs beside every service: of its 3.7 MB 2.8 are bare Python with `os`. Neither it nor what it imports loads what
would double that, such as `typing`, `re` or `json`, before a service's specification needs it.
"""

from __future__ import annotations

import os
import time

from ..lineage.signals import name_of, named, signal
from . import json_text
from .child import NOT_RUNNABLE, outcome, spawn
from .ending import TASK_SECONDS, Ending, end_of_leftovers
from .hooks import Hooks
from .kernel import Kernel
from .record import Events, Record, annotate_log, say, ticks_of
from .restarts import Restarts
from .specification import receive, reserved
from .wakeup import HeldBack
from .watch import Watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..lineage.reach import Who
    from .specification import Spec
    from .window_state import Word

NOT_TAKEN = 75
NO_CODE = 1


class Launcher:
    """One launch of one service: its runs by the specification, one after the other."""

    def __init__(self, spec: Spec, record: Record, watch: Watch) -> None:
        self.spec, self.record, self.watch = spec, record, watch
        self.kernel = Kernel()
        self.kernel.adopt_descendants()
        self.events = Events(spec["events"], spec["service"])
        self.restarts = Restarts(spec["restart"], spec.get("success_codes", ()))
        self.next_start: float | None = None
        self.is_beyond_us = False
        watch.stop_timeout = spec.get("stop_timeout", 0.0)
        watch.notices.listen(spec, watch.wakeup)
        watch.liveness.keys = spec.get("liveness")
        watch.memory.limit = spec.get("memory")
        watch.stop_command = spec.get("stop_command")
        watch.commands.spec = spec
        watch.stop_signal = named(spec.get("stop_signal", "INT"))
        self.record.facts.update(
            stop_timeout=spec.get("stop_timeout"),
            stop_signal=spec.get("stop_signal", "INT"),
            needs=spec.get("needs", []),
            port=spec.get("port"),
        )
        watch.family.spares_detached = spec.get("detached") == "leave"
        self.hooks = Hooks(spec, watch.commands, record, self.events)
        watch.heard_ready = self.hooks.note_ready
        watch.tmux = spec.get("tmux")
        watch.shown.tmux = watch.tmux if spec.get("shows_state", True) else None
        watch.reactions.follow(spec, self.events)
        watch.followers.follow(spec)
        if path := spec.get("orders"):
            watch.orders.listen(path, watch.wakeup)
        if leases := spec.get("leases"):
            self.lease(leases, spec["lease"])

    def lease(self, leases: list[Any], path: str) -> None:
        """Ends the service once all of these are over."""
        from .lease import Leases

        self.watch.leases = Leases(path, self.record.launch, self.watch.wakeup)
        self.watch.leases.take(leases)
        self.record.facts.update(leases=leases)

    def run(self) -> int:
        """Runs the service as often as its restart policy or an order wants; the exit code of the last run."""
        code = self.run_once("start", "asked to start")
        while self.is_another_due():
            reason = f"restart {self.restarts.count} after {self.record.facts.get('last_exit')}"
            code = self.run_once("restart", reason)
        while self.hooks.are_running or self.watch.is_telling:
            self.watch.turn()
        return code

    def is_another_due(self) -> bool:
        """Waits until another run is due; false if none follows."""
        if self.next_start is not None:
            self.pause_until(self.next_start)
            return True
        is_to_wait = self.spec.get("waits_for_change") and not self.watch.is_asked() and not self.is_beyond_us
        return bool(is_to_wait) and self.waits_for_a_change()

    def waits_for_a_change(self) -> bool:
        """Waits for an order, as the next save mends a mistake that was just saved; false once it is asked to end."""
        watch = self.watch
        while watch.reactions.reason is None and not watch.is_asked():
            watch.turn()
        if watch.is_asked():
            self.events.write("stop", None, f"{watch.cause or 'asked to end'} while it waited for a change")
            self.record.note(interrupted=True, cause=watch.cause)
            watch.shown.tell("stopped")
        return not watch.is_asked()

    def run_once(self, event: str, reason: str) -> int:
        """One run of the service, from its events and records to its exit code, which is below 0 for a signal."""
        self.next_start, watch, began = None, self.watch, time.monotonic()
        watch.window.prepare()
        with HeldBack():
            watch.hear_what_came()
            if watch.is_asked():
                return self.called_off()
            ordered = watch.reactions.begin()
            watch.notices.begin()
            annotate_log("begin", self.record.launch)
            try:
                pid = spawn(self.spec, self.kernel)
            except OSError as refused:
                return self.not_begun(f"no process can be made for it: {refused.strerror}")
            watch.begin(pid)
            came = signal.sigpending() & {signal.SIGINT, signal.SIGQUIT}
            for number in came if watch.stop_command is None else ():  # else it is run when the signal is heard
                watch.pass_on(number)
        self.events.write(event, pid, ordered or reason)
        self.note_begin(pid, ordered)
        watch.followers.begin(is_restart=event == "restart")
        watch.shown.begin(is_restart=event == "restart")
        code = self.end_of_run()
        self.note_end(pid, code, time.monotonic() - began)
        self.end_leftovers(code)
        self.run_hook(code)
        return NO_CODE if code is None else code

    def note_begin(self, pid: int, ordered: str | None) -> None:
        """Records a run that has just begun, and nothing of the one before but the order that has ended it."""
        ticks, now = ticks_of(pid), time.time()
        reaction = f"restarted because {ordered}" if ordered else ""
        self.record.facts.update(reaction=reaction, reacted=now if ordered else None)
        self.record.facts.update(pid=pid, ticks=ticks, family=[(pid, ticks)], backgrounded=None, cause=None)
        self.record.facts.update(ready=None, status="", extended=None, main_pid=None)
        self.record.note(started=now, ended=None, exit_code=None, signal=None, next_start=None, asked=None)

    def end_of_run(self) -> int | None:
        """The run's exit code once it has ended, below 0 for a signal; None if it can't be ended."""
        watch = self.watch
        while watch.children.code is None and not self.has_given_up():
            watch.turn()
        is_ended = watch.is_failed or watch.is_asked() or watch.reactions.reason is not None
        is_a_start = not is_ended and not self.spec.get("one_shot")
        if watch.children.code == 0 and is_a_start and self.leaves_some():
            self.record.note(backgrounded=time.time(), family=watch.family.recorded)
            while watch.family.lives() and not self.has_given_up():
                watch.turn()
            watch.reap()
            return watch.children.adopted_code
        return watch.children.code

    def has_given_up(self) -> bool:
        """True if nothing more can be tried to end what is to be ended."""
        return self.watch.ending is not None and self.watch.ending.is_hopeless()

    def leaves_some(self) -> bool:
        """True if descendants live though the service's own process has ended."""
        return self.watch.children.are_there and self.watch.family.lives()

    def note_end(self, pid: int, code: int | None, seconds: float) -> None:
        """Records how a run of so many seconds ended, and at once whether another run follows.

        A task that reads between two records must not take the service for one that has ended for good.
        """
        watch, asked = self.watch, self.watch.is_asked()
        watch.is_running, self.is_beyond_us = False, code is None
        end = "it can't be ended" if code is None else outcome(code)
        cause = watch.cause or watch.failure
        ordered = None if asked or cause else watch.reactions.reason
        why = f"{cause or ordered or 'asked to end'} ({end})" if asked or cause or ordered else end
        self.events.write("stop" if asked or ordered or self.is_well(code) else "crash", pid, why)
        if not asked and code is not None:
            self.plan(code, seconds)
        ended_by = name_of(-code) if code is not None and code < 0 else None
        self.record.note(
            ended=time.time(), exit_code=None if ended_by else code, signal=ended_by, interrupted=asked,
            cause=cause, family=self.left(),
        )  # fmt: skip
        if self.next_start is None:
            annotate_log("end", self.record.launch)
        watch.shown.tell(self.word_for_the_window(code))

    def word_for_the_window(self, code: int | None) -> Word:
        """What the window tells of a run that has ended so."""
        if self.next_start is not None:
            return "restarting"
        if self.watch.is_asked():
            return "stopped"
        if not self.is_well(code):
            return "crashed"
        return "completed" if self.spec.get("one_shot") else "stopped"

    def run_hook(self, code: int | None) -> None:
        """Has a command told of a run that was asked to end, or that failed."""
        watch, asked = self.watch, self.watch.is_asked()
        ordered = None if asked or watch.is_failed else watch.reactions.reason
        if asked or ordered or not self.is_well(code):
            end = "it can't be ended" if code is None else outcome(code)
            self.hooks.run(
                "stop" if asked or ordered else "crash", watch.cause or watch.failure or ordered or end, code
            )

    def is_well(self, code: int | None) -> bool:
        """True for an end that is no failure."""
        return code is not None and not self.watch.is_failed and self.restarts.ends_well(code)

    def plan(self, code: int, seconds: float) -> None:
        """Puts the time of the next run into the next record, if an order or the restart policy wants another run."""
        if self.watch.reactions.reason is not None:
            self.restarts.quick = 0
            self.next_start = time.monotonic()
            self.record.facts.update(next_start=time.time())
            return
        delay = self.restarts.delay_after(code, seconds, self.watch.is_failed)
        if delay is not None:
            say(f"starting again in {delay:g} s (restart {self.restarts.count})")
            self.next_start = time.monotonic() + delay
            facts = {
                "restarts": self.restarts.count,
                "last_exit": self.watch.failure or outcome(code),
                "next_start": time.time() + delay,
            }
            self.record.facts.update(facts)

    def pause_until(self, begin: float) -> None:
        """Waits before a restart, and no longer once asked to end or to restart at once."""
        watch = self.watch
        while not watch.is_asked() and watch.reactions.reason is None and time.monotonic() < begin:
            watch.turn(begin)

    def left(self) -> list[Who]:
        """Those who live on though the service's own process has ended."""
        watch = self.watch
        return watch.family.recorded_after_a_look() if watch.children.are_there else []

    def end_leftovers(self, code: int | None) -> None:
        """Ends what a run has left behind, and waits until it is gone; that of a one-shot may end by itself."""
        watch, asked = self.watch, self.watch.is_asked()
        may_go_on = self.spec.get("one_shot") and code == 0 and not asked
        if self.leaves_some() and not watch.ending and not may_go_on:
            is_left_to_a_task = asked and not self.hooks.are_there
            watch.ending = Ending(watch.family, end_of_leftovers(TASK_SECONDS if is_left_to_a_task else 0.0))
        while self.leaves_some() and not self.has_given_up():
            watch.turn()
        if watch.ending and not asked and not watch.is_failed and watch.reactions.reason is None:
            self.tell_of_leftovers(watch.ending.reached)
        if self.record.facts["family"]:
            self.record.note(family=self.left())
        watch.ending = None

    def tell_of_leftovers(self, ended: Iterable[Who]) -> None:
        """Writes an event for each process that a run left behind and that was ended."""
        for pid, _ in ended:
            self.events.write("stray", pid, "left behind by a run that ended")

    def called_off(self) -> int:
        """The end of a run that a signal came before."""
        cause = self.watch.cause
        self.events.write("stop", None, f"{cause or 'asked to end'} before it was started")
        self.record.note(ended=time.time(), interrupted=True, next_start=None, cause=cause)
        self.watch.shown.tell("stopped")
        annotate_log("end", self.record.launch)
        return 0

    def not_begun(self, why: str) -> int:
        """The end of a run that the system refuses; it would refuse the next one too."""
        say(f"{why}")
        self.events.write("crash", None, why)
        self.record.note(ended=time.time(), error=why, next_start=None)
        self.watch.shown.tell("crashed")
        annotate_log("end", self.record.launch)
        return NOT_RUNNABLE[0]


def main(fifo: str, record_path: str, launch: str, workspace: str, service: str) -> int:
    """Takes the specification and runs the service by it; the last exit code as a shell has it, or 75 without one.

    Workspace and service are there to be seen from outside, in its command line.
    """
    record = Record(record_path, launch)
    watch = Watch(record)
    try:
        spec = json_text.read(receive(fifo, watch.is_called_off))
    except (OSError, TimeoutError, ValueError):
        return not_taken(record, watch)
    record.note()
    reservations = reserved(spec.get("reservations", []))  # the task lets go of them once the FIFO is gone
    try:
        os.unlink(fifo)
    except OSError:
        pass
    code = Launcher(spec, record, watch).run()
    watch.commands.end_all()
    if spec.get("hooks"):
        watch.family.end_rest()
    watch.orders.close()
    del reservations
    if watch.children.are_there and watch.family.lives():
        watch.family.kill_with_launcher()
    return code if code >= 0 else 128 - code


def not_taken(record: Record, watch: Watch) -> int:
    """The end of a launch without a specification."""
    if watch.is_called_off():
        record.note(ended=time.time(), interrupted=True, cause=watch.cause)
        return NOT_TAKEN
    say("this window's service is started with inv, not by hand")
    record.note(ended=time.time(), error="its start was broken off before the service ran")
    return NOT_TAKEN
