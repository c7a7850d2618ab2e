"""The noun: one process as the kernel tells of it. Pure."""

from __future__ import annotations

from .value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    Kind = Literal["", "multiplexer", "launcher", "guest"]

MULTIPLEXERS = frozenset({"tmux", "tmux: server", "screen", "SCREEN", "zellij", "dtach", "abduco"})


class Process(Value):
    """One process, with the facts that tell it from every other and say where it belongs.

    `ticks` is when it began by the kernel's own clock (clock ticks since boot), which nobody sets.
    `group`, `session` and `foreground` are process groups, `uid` is its real user, which may be given by what tells it
    when it is first asked for, `state` is the letter of ps(1).
    `kind` tells what is never a part of a service: a server of terminal windows, a launcher of ours, or a guest, which
    began in a window of such a server and has come to a launcher only because its own parent has ended. Of one that
    `is_ending` the command line can't be read any more, and its children are on their way to another parent.
    """

    __slots__ = (
        "_uid", "foreground", "group", "is_ending", "kind", "name", "parent", "pid", "session", "state", "threads",
        "ticks",
    )  # fmt: skip

    def __init__(
        self, pid: int, ticks: int, parent: int, group: int, session: int, uid: int | Callable[[], int],
        state: str = "S", name: str = "", foreground: int = -1, threads: int = 1, kind: Kind = "",
        is_ending: bool = False,
    ) -> None:  # fmt: skip
        self.pid, self.ticks, self.parent = pid, ticks, parent
        self.group, self.session, self._uid = group, session, uid
        self.state, self.name, self.foreground, self.threads = state, name, foreground, threads
        self.kind: Kind = kind
        self.is_ending = is_ending

    @property
    def uid(self) -> int:
        """Its real user."""
        if not isinstance(self._uid, int):
            self._uid = self._uid()
        return self._uid

    @property
    def is_alive(self) -> bool:
        """True while any thread of it runs: its first one may have ended before the others."""
        return self.state not in "ZX" or self.threads > 1

    @property
    def is_suspended(self) -> bool:
        """True for a process that SIGSTOP or the terminal holds."""
        return self.state in "Tt"


def is_multiplexer(name: str) -> bool:
    """True for the name of a server that terminal windows live in; what runs below it belongs to a person."""
    return name in MULTIPLEXERS
