"""The launcher: takes its launch specification, runs the service as its child, records how it ended.

tmux runs it in the service's pane as `python -I -S -X utf8 launch.py SPEC_FIFO RECORD LAUNCH WORKSPACE SERVICE`. The
specification comes through a FIFO, so that no secret is ever in a file or a command line. RECORD is the JSON file that
tasks read as :class:`sentinel_tasks.model.Run`. By the last three words a task finds it wherever its window is. The
launcher stays the service's parent because tmux reports exit codes late, and in the service's process group so that C-c
reaches both.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

if not __package__:  # run as a script: what is ours is found behind the standard library, never before it
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    __package__ = "sentinel_tasks.supervisor"

from ..lineage import table

SEND_SECONDS = 5.0
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
QUICK_RESTARTS, STABLE_SECONDS = 10, 60.0
ROOM = 1024
"""Bytes of every record, so that a later one needs no more of a full disk than the first."""
ASKED_SECONDS = 30.0
"""An end counts as asked for until so many seconds, and the stop timeout, after the last signal that asked for it."""
NOT_TAKEN = 75
NOT_RUNNABLE = (126, 127)
ASKING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
OF_THE_PANE = ("TMUX", "TMUX_PANE", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION")

Spec = dict[str, Any]


class Launcher:
    """One launch of one service: its record on disk, and the signals that ask it to end."""

    def __init__(self, record_path: str, launch: str) -> None:
        self.path = record_path
        me = os.getpid()
        self.record: dict[str, object] = {"launch": launch, "launcher": me, "launcher_ticks": ticks_of(me)}
        self.record.update(boot=table.boot(), began=time.time())
        self.child = self.wakeup = 0
        self.asked_at = float("-inf")
        self.asked_seconds = ASKED_SECONDS
        self.quick = self.restarts = 0
        self.wait: float | None = None
        self.reservations: list[Any] = []

    def note(self, **facts: object) -> None:
        """Writes the record whole; a full disk must not end the service."""
        self.record.update(facts)
        text = json.dumps(self.record).ljust(ROOM).encode()
        draft = f"{self.path}.{os.getpid()}"
        try:
            write(draft, os.O_CREAT | os.O_TRUNC, text)
            os.replace(draft, self.path)
        except OSError as reason:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            self._overwrite(text, reason)

    def _overwrite(self, text: bytes, reason: OSError) -> None:
        """Uses the room that an earlier record has on the disk."""
        try:
            write(self.path, 0, text)
        except OSError:
            print_to_pane(f"sentinel: the record {self.path} can't be written: {reason}")

    def listen(self) -> None:
        """Installs the handlers. That of C-c sends nothing on, for C-c reaches the service by itself.

        No signal is ignored, because the service would inherit that. Each one also writes to a wakeup pipe: Python runs
        handlers between its own instructions, and a blocking call would sleep through a signal that comes just before.
        """
        self.wakeup, written = os.pipe()
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        for number in (signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._remember)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._pass_on)

    def _remember(self, number: int, frame: object) -> None:
        self.asked_at = time.monotonic()
        if self.child:
            self.note(asked=time.time())

    def _pass_on(self, number: int, frame: object) -> None:
        self.asked_at = time.monotonic()
        if self.child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child, number)

    def asked_to_end(self) -> bool:
        """True once a signal has asked for it, and for a limited time: a service may survive a signal and go on."""
        return time.monotonic() - self.asked_at < self.asked_seconds

    def run_once(self, spec: Spec, event: str, reason: str) -> int:
        """One run of the service, from its events and records to its exit code, which is below 0 for a signal."""
        self.wait, began = None, time.monotonic()
        with held_back():
            if self.asked_to_end():
                return self.called_off(spec)
            annotate_log("begin", str(self.record["launch"]))
            try:
                self.child = pid = spawn(spec)
            except OSError as refused:
                return self.not_begun(spec, f"no process can be made for it: {refused.strerror}")
        write_event(spec, event, pid, reason)
        self.record.update(pid=pid, ticks=ticks_of(pid), family=[[pid, ticks_of(pid)]], backgrounded=None, cause=None)
        self.note(started=time.time(), ended=None, exit_code=None, signal=None, next_start=None, asked=None)
        code = self.end_of(pid)
        self.note_end(spec, pid, code, time.monotonic() - began)
        return code

    def end_of(self, pid: int) -> int:
        """The child's exit code once it has ended, below 0 for a signal; what is signalled meanwhile is passed on."""
        while True:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self.child = 0
                return os.waitstatus_to_exitcode(status)
            os.read(self.wakeup, ROOM)

    def note_end(self, spec: Spec, pid: int, code: int, seconds: float) -> None:
        """Records how a run of so many seconds ended, and at once whether another run follows.

        A task that reads between two records must not take the service for one that has ended for good.
        """
        ended_by = signal_name(-code) if code < 0 else None
        asked = self.asked_to_end()
        write_event(spec, "stop" if asked or code == 0 else "crash", pid, outcome(code, asked))
        if not asked:
            self.plan(spec["restart"], code, seconds)
        self.note(ended=time.time(), exit_code=None if ended_by else code, signal=ended_by, interrupted=asked)

    def plan(self, policy: str, code: int, seconds: float) -> None:
        """Puts the time of the next run into the next record, if the restart policy wants another run."""
        self.quick = 0 if seconds >= STABLE_SECONDS else self.quick + 1
        if is_due(policy, code, self.quick):
            self.restarts += 1
            self.wait = min(FIRST_DELAY * 2 ** max(0, self.quick - 1), LONGEST_DELAY)
            next_start, last_exit = time.time() + self.wait, outcome(code, asked=False)
            self.record.update(restarts=self.restarts, next_start=next_start, last_exit=last_exit)

    def run(self, spec: Spec) -> int:
        """Runs the service as often as its restart policy wants; the exit code of the last run."""
        code = self.run_once(spec, "start", "asked to start")
        while self.wait is not None:
            self.pause(self.wait)
            code = self.run_once(spec, "restart", f"restart {self.restarts} after {self.record['last_exit']}")
        return code

    def called_off(self, spec: Spec) -> int:
        """The end of a run that a signal came before."""
        write_event(spec, "stop", None, "asked to end before it was started")
        self.note(ended=time.time(), interrupted=True, next_start=None)
        return 0

    def not_begun(self, spec: Spec, why: str) -> int:
        """The end of a run that the system refuses; it would refuse the next one too."""
        print_to_pane(f"sentinel: {why}")
        write_event(spec, "crash", None, why)
        self.note(ended=time.time(), error=why, next_start=None)
        return NOT_RUNNABLE[0]

    def pause(self, seconds: float) -> None:
        """Waits before a restart, and no longer once asked to end."""
        print_to_pane(f"sentinel: starting again in {seconds:g} s (restart {self.restarts})")
        deadline = time.monotonic() + seconds
        while not self.asked_to_end() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))


def ticks_of(pid: int) -> int:
    """When the process began by the kernel's clock (lineage/process.py); 0 if there is none any more."""
    process = table.one(pid)
    return process.ticks if process else 0


def write(path: str, how_to_open: int, text: bytes) -> None:
    """Writes the text at the file's beginning; OSError if not all of it could be written."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | how_to_open, 0o600)
    try:
        if os.write(descriptor, text) < len(text):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def is_due(policy: str, code: int, quick: int) -> bool:
    """True if the policy wants another run; a command that can't be run at all is never tried twice."""
    if code in NOT_RUNNABLE or quick > QUICK_RESTARTS:
        return False
    return policy == "always" or (policy == "on-failure" and code != 0)


def receive(fifo: str, given_up: Callable[[], bool]) -> bytes:
    """The specification, once a task has written it; TimeoutError if none does, or if it is no longer waited for."""
    deadline = time.monotonic() + SEND_SECONDS
    descriptor = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    parts: list[bytes] = []
    while time.monotonic() < deadline and not given_up():
        if not poll.poll(50):
            continue
        part = os.read(descriptor, 1 << 16)
        if not part and parts:
            os.close(descriptor)
            return b"".join(parts)
        if not part:
            time.sleep(0.005)
        parts += [part] if part else []
    raise TimeoutError


def reserved(names: list[str]) -> list[Any]:
    """The sockets by which ports stay reserved to the workspace as long as they are open (see port_reservations.py)."""
    if not names:
        return []
    import socket

    held = []
    for name in names:
        with contextlib.suppress(OSError):
            held.append(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            held[-1].bind(f"\0{name}")
    return held


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Makes signals that ask to end wait until there is a service that they reach; one before that would be lost."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKING)


def spawn(spec: Spec) -> int:
    """Starts the service as a child in our own process group; its pid. OSError if no process can be made."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(become(spec))
        finally:
            os._exit(NOT_RUNNABLE[0])
    return pid


def become(spec: Spec) -> int:
    """Turns this process into the service; the exit code if it can't."""
    for number in (*ASKING, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKING)
    command, folder = spec["command"], spec["cwd"]
    words = ["sh", "-c", command] if isinstance(command, str) else command
    environment = spec["env"] | {name: os.environ[name] for name in OF_THE_PANE if name in os.environ}
    try:
        os.chdir(folder)
        os.execvpe(words[0], words, environment)
    except FileNotFoundError as reason:
        print_to_pane(f"no such folder: {folder}" if reason.filename == folder else f"{words[0]}: command not found")
        return NOT_RUNNABLE[1]
    except (OSError, ValueError) as reason:
        print_to_pane(f"{words[0]}: {getattr(reason, 'strerror', None) or reason}")
        return NOT_RUNNABLE[0]


def signal_name(number: int) -> str:
    """`SIGTERM` and the like; `SIG40` for one that has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"


def print_to_pane(text: str) -> None:
    """Prints a line to the pane, if the pane is still there."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode("utf-8", "surrogateescape"))


def outcome(code: int, asked: bool) -> str:
    """The end of a run in a phrase, for the event log."""
    end = f"killed by {signal_name(-code)}" if code < 0 else f"exit {code}"
    return f"asked to end ({end})" if asked else end


def write_event(spec: Spec, event: str, pid: int | None, reason: str) -> None:
    """Appends one line to the event log (contract: Documents, Events); a failure must not end the service."""
    facts = {"time": time.time(), "service": spec["service"], "event": event, "pid": pid, "reason": reason}
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(spec["events"], flags, 0o600)
        try:
            os.write(descriptor, f"{json.dumps(facts)}\n".encode())
        finally:
            os.close(descriptor)


def annotate_log(word: str, launch: str) -> None:
    """Prints an annotation: terminals do not show it, and the log's readers find it (text/annotations.py)."""
    with contextlib.suppress(OSError):
        os.write(1, f"\x1b]7357;sentinel-{word};{launch}\x07".encode())


def main(fifo: str, record_path: str, launch: str, workspace: str, service: str) -> int:
    """Takes the specification and runs the service by it; the last exit code as a shell has it, or 75 without one.

    Workspace and service are there to be seen from outside, in its command line.
    """
    launcher = Launcher(record_path, launch)
    launcher.listen()
    try:
        spec = json.loads(receive(fifo, launcher.asked_to_end))
    except (OSError, TimeoutError, ValueError):
        if launcher.asked_to_end():
            launcher.note(ended=time.time(), interrupted=True)
            return NOT_TAKEN
        print_to_pane("sentinel: this window's service is started with inv, not by hand")
        launcher.note(ended=time.time(), error="its start was broken off before the service ran")
        return NOT_TAKEN
    launcher.note()
    launcher.asked_seconds += spec.get("stop_timeout", 0.0)
    launcher.reservations = reserved(spec.get("reservations", []))
    with contextlib.suppress(OSError):
        os.unlink(fifo)
    code = launcher.run(spec)
    annotate_log("end", launch)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
