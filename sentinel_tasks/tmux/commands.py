"""The tmux commands that open a service's window with all its marks in one breath. Pure.

One sequence, because a window whose command dies at once is gone before a second tmux call could mark it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ..model import Pane

NEW_SESSION = ("new-session", "-d", "-x", "200", "-y", "50")
HOOK = "after-new-window"
STATUS = "@sentinel_status"
PARKED = "=%s:99999"
LONGEST = 12_000
"""Bytes of a sequence: a client's message to the server holds 16384."""

Command = Sequence[str]


class Opening(Struct, frozen=True):
    """Where and how a service's window is opened; the launcher then waits for its spec."""

    session: str
    workspace: str
    home: str
    state: str
    name: str
    index: int
    history_limit: int
    service: str
    kind: str
    launch: str
    port: int | None
    argv: tuple[str, ...]
    log_command: str
    shows_state: bool = True


def new_session(opening: Opening) -> list[Command]:
    """A new session with the service's window as its only one.

    `history-limit` counts only for windows made after it is set, so a short-lived first window stands in;
    it is parked out of the way because the user's `base-index` may be the index we want.
    """
    parked = PARKED % opening.session
    return [
        [*NEW_SESSION, "-s", opening.session, "-c", literal(opening.workspace), "-n", "sentinel", "sleep", "60"],
        ["move-window", "-s", f"={opening.session}:", "-t", parked],
        *_session_options(opening),
        *_window(opening, opening.index),
        ["kill-window", "-t", parked],
    ]


def new_window(opening: Opening, adopt: bool) -> list[Command]:
    """A new window in the session that is there; `adopt` puts our marks on a session made by hand."""
    return [*(_session_options(opening) if adopt else []), *_window(opening, opening.index)]


def together(openings: Sequence[Opening]) -> list[list[Opening]]:
    """These windows of a session that is there, in as few sequences as a client can say each at once.

    A client costs the server more than a window does: it looks at all terminals of its windows for each message.
    """
    found: list[list[Opening]] = []
    room = 0
    for opening in openings:
        needs = sum(
            len(word.encode("utf-8", "surrogateescape")) + 2 for words in new_window(opening, False) for word in words
        )
        if needs > room:
            found.append([])
            room = LONGEST
        found[-1].append(opening)
        room -= needs
    return found


def used_again(opening: Opening, pane_id: str) -> list[Command]:
    """The service in a pane that carries its mark already; what that showed goes into its history."""
    return [
        ["send-keys", "-R", "-t", pane_id],
        ["if-shell", "-F", "-t", pane_id, f"#{{{STATUS}}}", _forgetting(pane_id)],
        ["respawn-pane", "-k", "-t", pane_id, "-c", literal(opening.workspace), *opening.argv],
        *_marks(opening, pane_id),
    ]


def _session_options(opening: Opening) -> list[Command]:
    session = f"={opening.session}:"
    wanted = {
        "@sentinel_workspace": opening.home,
        "history-limit": str(opening.history_limit),
        "renumber-windows": "off",
        "destroy-unattached": "off",
    }
    return [["set-option", "-t", session, name, value] for name, value in wanted.items()]


def _window(opening: Opening, index: int) -> list[Command]:
    """The window with its marks; a hook of the user's that splits new windows would have them set on its own pane."""
    session, target = f"={opening.session}:", f"={opening.session}:{index}"
    where = ["-t", target, "-n", literal(opening.name), "-c", literal(opening.workspace)]
    return [
        ["set-hook", "-t", session, HOOK, ""],
        ["new-window", "-d", *where, *opening.argv],
        *_marks(opening, target),
        ["set-hook", "-u", "-t", session, HOOK],
    ]


def _marks(opening: Opening, target: str) -> list[Command]:
    return [
        ["set-option", "-p", "-t", target, "remain-on-exit", "on"],
        ["set-option", "-w", "-t", target, "@sentinel_service", opening.service],
        ["set-option", "-p", "-t", target, "@sentinel_service", opening.service],
        ["set-option", "-p", "-t", target, "@sentinel_home", opening.home],
        ["set-option", "-p", "-t", target, "@sentinel_state", opening.state],
        ["set-option", "-p", "-t", target, "@sentinel_kind", opening.kind],
        ["set-option", "-p", "-t", target, "@sentinel_launch", opening.launch],
        ["set-option", "-p", "-F", "-t", target, "@sentinel_launcher", "#{pane_pid}"],
        ["set-option", "-p", "-t", target, "@sentinel_port", str(opening.port or "")],
        ["set-option", "-p", "-t", target, "@sentinel_ready", ""],
        *([["set-option", "-w", "-t", target, STATUS, "starting"]] if opening.shows_state else []),
        piped(opening.log_command, target),
    ]


def ready(pane: Pane) -> list[Command]:
    """That a launch was healthy once; the launcher may have told its window worse by now."""
    is_starting, running = f"#{{==:#{{{STATUS}}},starting}}", f"set-option -w -t {pane.pane_id} {STATUS} running"
    return [
        ["set-option", "-p", "-t", pane.pane_id, "@sentinel_ready", pane.launch],
        ["if-shell", "-F", "-t", pane.pane_id, is_starting, running],
    ]


def _forgetting(pane_id: str) -> str:
    """What an earlier launch has told its window (supervisor/window_state.py)."""
    return f"set-option -w -u -t {pane_id} {STATUS} ; set-option -w -u -t {pane_id} window-status-style"


def piped(log_command: str, target: str) -> Command:
    """Has this command write what the pane shows from now on, in place of one that did so before."""
    return ["pipe-pane", "-t", target, f"{literal(log_command).replace('%', '%%')} #{{pane_pid}}"]


def beside(command: str) -> Command:
    """Has the server run this shell command in no window, and go on meanwhile."""
    return ["run-shell", "-b", literal(command)]


def literal(text: str) -> str:
    """The text so that tmux's format expansion gives it back as it is (`pipe-pane` alone expands `%` too)."""
    return text.replace("#", "##")
