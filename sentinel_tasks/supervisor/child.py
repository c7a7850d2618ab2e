"""Starts the service's own process, and says in words how it ended."""

from __future__ import annotations

import os

from ..lineage.signals import name_of, signal
from .inherit import limit_open_files, take
from .record import print_to_pane, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .kernel import Kernel
    from .specification import Spec

NOT_RUNNABLE = (126, 127)
NEVER_CAUGHT = {signal.SIGKILL, signal.SIGSTOP}
OF_THE_PANE = ("TMUX", "TMUX_PANE", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION")


def spawn(spec: Spec, kernel: Kernel, prepare: Callable[[], object] = lambda: None) -> int:
    """Starts the service as a child in our own process group, if `prepare` changes nothing there; its pid.

    OSError if no process can be made.
    """
    launcher, pid = os.getpid(), os.fork()
    if pid == 0:
        try:
            kernel.end_with(launcher)
            prepare()
            os._exit(become(spec))
        finally:
            os._exit(NOT_RUNNABLE[0])
    return pid


def become(spec: Spec) -> int:
    """Turns this process into the service; the exit code if it can't."""
    for number in signal.valid_signals() - NEVER_CAUGHT:  # what began tmux's server may have ignored some
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    command, folder = spec["command"], spec["cwd"]
    words = ["sh", "-c", command] if isinstance(command, str) else command
    environment = spec["env"] | {name: os.environ[name] for name in OF_THE_PANE if name in os.environ}
    take(spec.get("inherited", {}))
    if (files := spec.get("nofile")) and (wrong := limit_open_files(files)):
        say(wrong)
    try:
        os.chdir(folder)
        os.execvpe(words[0], words, environment)
    except FileNotFoundError as reason:
        print_to_pane(f"no such folder: {folder}" if reason.filename == folder else f"{words[0]}: command not found")
        return NOT_RUNNABLE[1]
    except (OSError, ValueError) as reason:
        print_to_pane(f"{words[0]}: {getattr(reason, 'strerror', None) or reason}")
        return NOT_RUNNABLE[0]


def outcome(code: int) -> str:
    """The end of a run in a phrase."""
    return f"killed by {name_of(-code)}" if code < 0 else f"exit {code}"
