"""One cell of the matrix: a program, a fault, what is told then, and what is left after a stop."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from tests.lab import Lab, Result, is_open
from tests.programs.catalogue import Program
from tests.watch import Service, Watch, stat_of

SETTLE_SECONDS = 9.0
"""A little more than a stop's own escalation with a `stop_timeout` of 3 s."""
SHOWN = 110
WINDOW_GONE = ("kill-session", "kill -9 of tmux")


class Row(NamedTuple):
    """What came, as a person would read it."""

    program: str
    fault: str
    start: str
    soon: str
    lives_on: str
    later: str
    stop: str
    left: str

    @property
    def is_good(self) -> bool:
        """True if it was started, goes with its window, is told of while it lives, and a stop leaves nothing."""
        if self.fault in WINDOW_GONE and self.lives_on != "no":
            return False
        told = self.lives_on == "no" or self.later.startswith(("running", "unhealthy"))
        return told and (self.start, self.left) == ("0", "nothing") and self.stop.startswith("0 ")


class Cell:
    """One program in one lab, under one fault."""

    def __init__(self, program: Program, lab: Lab, watch: Watch) -> None:
        self.program, self.lab, self.watch, self.port = program, lab, watch, lab.port()
        services = program.services(lab, self.port)
        lab.configure(**services)
        declared = ", ".join(f'service("{name}")' for name in services)
        (lab.path / "tasks.py").write_text(
            f"from sentinel_tasks import service, workspace\n\nnamespace = workspace({declared})\n"
        )
        self.judged: Service = (lab.path.name, "web")
        self.services: list[Service] = [(lab.path.name, name) for name in services]

    def row(self, fault: str) -> Row:
        """Starts the program, does this to it, and tells what came."""
        start = self.lab.inv("web.start")
        try:
            FAULTS[fault](self)
            time.sleep(1.0)
            soon = self.status()
            lives_on = self.settled() if fault != "none" else "-"
            later = self.status()
            stop = self.stop()
            return Row(self.program.name, fault, self.brief(start), soon, lives_on, later, stop, self.left())
        finally:
            self.clean()

    def brief(self, start: Result) -> str:
        return "0" if start.code == 0 else f"{start.code} {last_line(start.said)}"

    def status(self) -> str:
        """State and cause, as the tasks tell them."""
        told = self.lab.inv("web.status", "--json").json
        return shown(f"{told['state']}: {told['error']}" if told["error"] else told["state"])

    def stop(self) -> str:
        done = self.lab.inv("down" if len(self.services) > 1 else "web.stop")
        return f"{done.code} {last_line(done.said)} ({done.seconds:.1f} s)"

    # What is done

    def kill_session(self) -> None:
        self.lab.tmux("kill-session", "-t", "=sentinel-app:")

    def kill_main(self) -> None:
        """Its main process: its launcher's child, or, of one that went into the background, whoever lives longest."""
        below = self.watch.of(self.judged) or self.watch.strangers()
        launchers = self.watch.launchers(self.judged)
        mains = [pid for pid in below if int(stat_of(pid)[1]) in launchers] or below
        if mains:
            os.kill(min(mains, key=lambda pid: int(stat_of(pid)[19])), signal.SIGKILL)

    def kill_launcher(self) -> None:
        for pid in self.watch.launchers(self.judged):
            os.kill(pid, signal.SIGKILL)

    def kill_tmux(self) -> None:
        os.kill(int(self.lab.tmux("display-message", "-p", "#{pid}")), signal.SIGKILL)

    # What is seen

    def living(self) -> list[int]:
        """All that runs because of the services, their launchers too."""
        known = (self.watch.of(each) + self.watch.launchers(each) for each in self.services)
        return [*(pid for pids in known for pid in pids), *self.watch.strangers()]

    def settled(self) -> str:
        """How many processes of the judged service live on by themselves, once nothing ends any more."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while (pids := self.watch.of(self.judged) + self.watch.strangers()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return f"{len(pids)}" if pids else "no"

    def left(self) -> str:
        """Processes and ports that are left after a stop."""
        deadline = time.monotonic() + 1.0
        while (pids := self.living()) and time.monotonic() < deadline:
            time.sleep(0.05)
        names = [self.watch.now[pid].name.decode(errors="replace") for pid in pids if pid in self.watch.now]
        said = [f"{len(pids)} × {', '.join(sorted(set(names)))}"] if pids else []
        return "; ".join([*said, *(["the port"] if is_open(self.port) else [])]) or "nothing"

    def clean(self) -> None:
        for pid in self.living():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.lab.close()


FAULTS: dict[str, Callable[[Cell], None]] = {
    "none": lambda cell: None,
    WINDOW_GONE[0]: Cell.kill_session,
    "kill -9 of its main process": Cell.kill_main,
    "kill -9 of its launcher": Cell.kill_launcher,
    WINDOW_GONE[1]: Cell.kill_tmux,
}


def last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return shown(next((line for line in lines if line.startswith(("✅", "❌", "⚠️"))), lines[-1] if lines else ""))


def shown(text: str) -> str:
    text = text.replace("|", "/").replace("\n", " ")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
