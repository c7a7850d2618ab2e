"""The tmux server: its socket, what it keeps and what its status line runs, and our sessions in it."""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Container, Iterator, Mapping
from functools import partial

from ..model import Finding, Pane
from ..names import SESSION, names_for_session, typed_target, typed_tmux, unmarked
from ..system.state_folder import close_to_others, is_gone
from ..text.secrets import KEY, SHORT, WORD
from ..tmux.sockets import distrust
from .findings import failed, passed, passed_unless
from .look import Look

LEAST_HISTORY = 10_000
NO_SECRETS = frozenset({"PWD", "OLDPWD"})
SECRET = re.compile(
    rf"(?<![^_])(?:(?:{WORD})s?|{SHORT})(?:_|\Z)|(?:(?:{WORD})s?|{KEY}(?:_id)?)\d*\Z|(?<!ssh)_auth\Z", re.IGNORECASE
)
"""Matches a word between underscores, or the end of the name."""
VARIABLE = re.compile(r"(?:([^=\n]+)=\"(?:[^\"\\]|\\.)*\"; export \1;|unset ([^\n]*);)(?:\n|\Z)", re.S)
OPTION = re.compile(r"(status-left|status-right|status-format\[\d+\]|window-status-(?:current-)?format)\*? (.*)\Z")
USER_OPTION = re.compile(r"(@[\w-]+) (.*)\Z")
EXPANDED = re.compile(r"[ET]:(@[\w-]+)")
RUNS = re.compile(r"(?<!#)(?:##)*#\(|`")


# The socket


def socket_folder(look: Look) -> list[Finding]:
    """The folder of tmux's sockets is ours, no link, and closed to everybody else."""
    path = look.socket_folder
    if not os.path.lexists(path):
        return [passed("socket-folder", f"{path} is not there yet; tmux makes it 0700")]
    found = os.lstat(path)
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not ours:
        remedy = "remove it, or set TMUX_TMPDIR to a folder of your own (0700)"
        return [failed("socket-folder", f"{path}: {distrust(path)}", remedy)]
    return _closed("socket-folder", path, found.st_mode, 0o700)


def socket(look: Look) -> list[Finding]:
    """The server's socket is ours and closed to group and others."""
    path = os.path.join(look.socket_folder, look.workspace.socket_name or "default")
    try:
        found = os.lstat(path)
    except OSError:
        return [passed("socket", "no server has been started")]
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.getuid():
        return [failed("socket", f"{path} is not a socket of yours", f"remove it: rm {shlex.quote(path)}")]
    return _closed("socket", path, found.st_mode, 0o600)


def _closed(name: str, path: str, mode: int, wanted: int) -> list[Finding]:
    if not mode & 0o077:
        return [passed(name, f"{path} is closed to others")]
    reason = f"{path} is open to others (mode {stat.S_IMODE(mode):04o})"
    return [failed(name, reason, f"chmod {wanted:o} {shlex.quote(path)}", mend=partial(close_to_others, path))]


# What the server keeps and runs


def environment(look: Look) -> list[Finding]:
    """The server's environments hold no variable that looks like a secret; values are never shown."""
    if not look.panes:
        return [] if look.silent else [passed("environment", "no server runs")]
    wrong = [
        failed(
            "environment",
            f"{where} keeps {name}, which everyone on the socket can read",
            f"{_tmux(look)} set-environment {flag} -u {shlex.quote(name)}",
        )
        for where, flag, names in _environments(look)
        for name in names
        if is_likely_secret(name)
    ]
    return passed_unless("environment", wrong, "no variable in it looks like a secret")


def _environments(look: Look) -> Iterator[tuple[str, str, list[str]]]:
    ask = look.world.tmux.ask
    yield "tmux's global environment", "-g", variable_names("\n".join(ask("show-environment", "-g", "-s")))
    sessions = {pane.session_id: pane.session for pane in look.panes}
    for session_id, name in sessions.items():
        lines = ask("show-environment", "-s", "-t", session_id)
        yield f"the session {name}", f"-t {shlex.quote(session_id)}", variable_names("\n".join(lines))


def variable_names(text: str) -> list[str]:
    """The names in the output of `show-environment -s`; no line of a value is taken for a name."""
    names, place = [], 0
    while place < len(text):
        if found := VARIABLE.match(text, place):
            names += [found[1]] if found[1] else []
            place = found.end()
        else:
            place = (text.find("\n", place) + 1) or len(text)
    return names


def is_likely_secret(name: str) -> bool:
    """True if a variable of this name is likely to hold a secret; a wrong alarm costs more here than in masking."""
    return name.upper() not in NO_SECRETS and SECRET.search(name) is not None


def status_line(look: Look) -> list[Finding]:
    """No status line of our session runs a command."""
    if not look.panes:
        return [] if look.silent else [passed("status-line", "no server runs")]
    ask = look.world.tmux.ask
    lines = [(["-g"], line) for line in [*ask("show-options", "-g"), *ask("show-options", "-gw")]]
    if own := look.own_session:
        lines += [(["-t", own.session_id], line) for line in ask("show-options", "-t", own.session_id)]
        windows = {pane.window_id for pane in look.panes if pane.session_id == own.session_id}
        lines += [(["-w", "-t", each], line) for each in windows for line in ask("show-options", "-w", "-t", each)]
    theirs = {found[1]: found[2] for _, line in lines if (found := USER_OPTION.match(line))}
    wrong = [
        failed(
            "status-line",
            f"the option {found[1]} runs a command whenever the status line is drawn",
            f"{_tmux(look)} set-option {shlex.join(where)} -u {shlex.quote(found[1])}, and in your tmux.conf",
            "warning",
        )
        for where, line in lines
        if (found := OPTION.match(line)) and runs_a_command(found[2], theirs)
    ]
    return passed_unless("status-line", wrong, "it runs no command")


def runs_a_command(text: str, user_options: Mapping[str, str]) -> bool:
    """True if drawing this format runs a command, also through user options that it expands (`#{E:@name}`)."""
    texts = [text]
    for each in texts:
        texts += [value for name in EXPANDED.findall(each) if (value := user_options.get(name, "")) not in texts]
    return any(RUNS.search(each) for each in texts)


# Our sessions


def session_names(look: Look) -> list[Finding]:
    """Every session of ours has a well-formed name."""
    if look.silent:
        return []
    ours = {pane.session_id: pane for pane in look.panes if pane.workspace}
    names = {pane.session for pane in look.panes}
    wrong = [
        failed(
            "session-names",
            f"the session {pane.session!r} carries our mark, but its name is not sentinel-…",
            f"{_tmux(look)} rename-session -t {shlex.quote(session_id)} {_fitting_name(pane, names)}",
            "warning",
        )
        for session_id, pane in ours.items()
        if not re.match(SESSION, pane.session)
    ]
    names_of_ours = ", ".join(pane.session for pane in ours.values())
    return passed_unless("session-names", wrong, names_of_ours or "there is no session of ours")


def _fitting_name(pane: Pane, taken: Container[str]) -> str:
    return next(name for name in names_for_session(unmarked(pane.workspace)) if name not in taken)


def history_limit(look: Look) -> list[Finding]:
    """Our session keeps enough scrollback for an audit."""
    wanted = look.workspace.history_limit
    if wanted < LEAST_HISTORY:
        reason = f"the configuration asks for {wanted} lines, fewer than {LEAST_HISTORY}"
        return [failed("history-limit", reason, "set sentinel.history_limit to 10000 or more", "warning")]
    own = look.own_session
    if own is None:
        return [] if look.silent else [passed("history-limit", f"{wanted} lines, once there is a session")]
    kept = look.world.tmux.history_limit(own.session_id)
    if kept >= LEAST_HISTORY:
        return [passed("history-limit", f"{kept} lines")]
    reason = f"{own.session} keeps {kept} lines, fewer than {LEAST_HISTORY}"
    remedy = f"{_tmux(look)} set-option -t {shlex.quote(own.session_id)} history-limit {wanted} (for new windows)"
    mend = partial(look.world.tmux.set_history_limit, own.session_id, wanted)
    return [failed("history-limit", reason, remedy, "warning", mend)]


def gone_workspaces(look: Look) -> list[Finding]:
    """Every session of ours belongs to a workspace that exists."""
    if look.silent:
        return []
    homes = {pane.session: pane.workspace for pane in look.panes if pane.workspace}
    wrong = [
        failed(
            "gone-workspaces",
            f"the session {name} belongs to {unmarked(home)}, which is no more",
            f"{_tmux(look)} kill-session -t {typed_target(name)}",
            "warning",
        )
        for name, home in homes.items()
        if is_gone(unmarked(home))
    ]
    return passed_unless("gone-workspaces", wrong, "every session of ours has its workspace")


def _tmux(look: Look) -> str:
    return typed_tmux(look.workspace.socket_name)
