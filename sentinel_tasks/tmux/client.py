"""The door to tmux, through libtmux: one look at everything, and a few commands, each one sequence.

tmux facts that shape it (checked on 3.3a): targets are `=name:` or ids, never prefixes; options are set in
the same breath as the window; a client needs UTF-8; a server keeps the environment of whoever starts it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec import Struct

from ..errors import TmuxRefused, TmuxUnavailable
from ..model import Pane
from ..names import unmarked
from .commands import Opening, beside, new_session, new_window, piped, ready, used_again
from .running import Client

OLDEST = (3, 2)
INSTALL = "install tmux 3.2 or newer"
SEPARATOR = "␞"
FIELDS = (
    "session_id", "session_name", "@sentinel_workspace", "@sentinel_ports", "window_id", "window_index", "pane_id",
    "pane_pid", "pane_dead", "@sentinel_service", "@sentinel_launch", "@sentinel_launcher", "@sentinel_port",
    "@sentinel_ready", "@sentinel_home", "@sentinel_state", "@sentinel_kind", "@sentinel_stopped",
    "@sentinel_run", "pid", "session_path", "window_name",
)  # fmt: skip
ROW_END = "␟"
FORMAT = SEPARATOR.join(f"#{{{name}}}" for name in FIELDS).replace("{session_path", "{s/␞/?/:session_path") + ROW_END
"""A session's path may hold a newline or even a separator; a window's name stands last."""
PASSED_ON = (
    "HOME",
    "LANG",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TERM",
    "TMUX_TMPDIR",
    "TZ",
    "USER",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
)
PATIENCE, SLICE = 10.0, 0.2
NO_SERVER = r"no server running|error connecting to|server exited|lost server|no current target"
"""The last: its last session has ended and it is about to."""
OVERTAKEN = rf"duplicate session: |index \d+ in use|can't find (?:session|window|pane): |{NO_SERVER}"
"""Between our look and our command a session or window was opened or closed, or the whole server ended."""


class Said(Struct, frozen=True):
    """What one tmux client said."""

    returncode: int
    stdout: str
    stderr: str


class Tmux:
    """One tmux server, by its socket's name. Every call is one tmux client, told to `echo` before it runs."""

    def __init__(self, socket_name: str | None, echo: Callable[[Sequence[str]], None]) -> None:
        self._binary = _program("tmux")
        self._socket = socket_name or "default"
        self._echo = echo
        self._found_server = True
        self._looking: Client | None = None
        self._patience = PATIENCE
        self._tell: Callable[[str, float], None] = lambda what, seconds: None

    def wait_up_to(self, seconds: float, tell: Callable[[str, float], None]) -> None:
        """Gives each command so much time, if it is more than usual; `tell` hears what is waited for, and how long."""
        self._patience, self._tell = max(PATIENCE, seconds), tell

    # Looking

    def begin_look(self) -> None:
        """Asks for what `panes` answers then: what is done between the two takes no time of its own."""
        if self.is_installed:
            self._looking = self._begun("list-panes", "-a", "-F", FORMAT)

    def panes(self) -> list[Pane]:
        """Every pane of the server with its marks, from one tmux process; [] if no server runs."""
        if self._looking is None:
            self._looking = self._begun("list-panes", "-a", "-F", FORMAT)
        client, self._looking = self._looking, None
        answer = self._answer(client)
        self._found_server = not (answer.stderr and re.search(NO_SERVER, answer.stderr))
        if answer.returncode and self._found_server and "no sessions" not in answer.stderr:
            raise self._refused("list-panes", answer, "{doctor}")
        return [pane for row in answer.stdout.split(f"{ROW_END}\n") if (pane := _parse(row)) is not None]

    def attached_here(self) -> bool:
        """True if this process runs inside a pane of this very server."""
        own = os.environ.get("TMUX", "").split(",")[0]
        return bool(own) and own == self._one_line("display-message", "-p", "#{socket_path}")

    @property
    def is_installed(self) -> bool:
        """True if there is a tmux to call."""
        return self._binary is not None

    def ask(self, *command: str) -> list[str]:
        """The lines that tmux answers to one command, through libtmux."""
        return self._checked(command[0], self._with_libtmux(*_joined([command]))).stdout.splitlines()

    def history_limit(self, session_id: str) -> int:
        """Lines of scrollback that new windows of the session get."""
        return _number(" ".join(self.ask("show-options", "-A", "-v", "-t", session_id, "history-limit"))) or 0

    def set_history_limit(self, session_id: str, lines: int) -> None:
        """Changes it for this session alone."""
        self._sequence(["set-option", "-t", session_id, "history-limit", str(lines)])

    # Opening and using windows

    def open_session(self, opening: Opening) -> None:
        """A new session with the service's window as its only one; TmuxRefused if somebody was faster."""
        self._check_version()
        self._sequence(*new_session(opening))
        if not self._found_server:
            self._close_socket()

    def open_window(self, opening: Opening, adopt: bool) -> None:
        """A new window in the session that is there; `adopt` puts our marks on a session made by hand."""
        self._sequence(*new_window(opening, adopt))

    def open_windows(self, openings: Sequence[Opening]) -> None:
        """New windows in the session that is there; after a TmuxRefused the first ones may be open."""
        self._sequence(*(command for opening in openings for command in new_window(opening, adopt=False)))

    def reopen(self, opening: Opening, pane: Pane) -> None:
        """Starts a launcher in a pane that carries the service's mark; what it showed goes into its history."""
        self._sequence(*used_again(opening, pane.pane_id))

    def mark_ready(self, pane: Pane) -> None:
        """Notes that this launch has been healthy once."""
        self._sequence(*ready(pane))

    def mark_stopped(self, pane: Pane) -> None:
        """Notes that this launch was stopped, where that can't be put on record."""
        self._sequence(["set-option", "-p", "-t", pane.pane_id, "@sentinel_stopped", pane.launch])

    def record_on(self, pane: Pane) -> str:
        """What the launcher in this pane has last had it tell, where it could not write that down."""
        return self._one_line("display-message", "-p", "-t", pane.pane_id, "#{@sentinel_run}")

    def remember_ports(self, session: str, ports: str) -> None:
        """Keeps the ports that were picked for the workspace with its session."""
        self._sequence(["set-option", "-t", f"={session}:", "@sentinel_ports", ports])

    def pipe(self, pane: Pane, log_command: str) -> None:
        """Has this command write what the pane shows from now on."""
        self._sequence(piped(log_command, pane.pane_id))

    def run_beside(self, command: str) -> None:
        """Has the server run a shell command, in no window."""
        self._sequence(beside(command))

    def interrupt(self, pane: Pane) -> None:
        """Types C-c in the pane, also while it shows its history: it reaches those whom no signal of ours may reach."""
        target = ("-t", pane.pane_id)
        leave_history = ["if-shell", "-F", *target, "#{pane_in_mode}", f"send-keys -t {pane.pane_id} -X cancel"]
        self._sequence(leave_history, ["send-keys", *target, "C-c"])

    def close_session(self, session_id: str) -> None:
        """Ends the session and all its windows."""
        self.ask("kill-session", "-t", session_id)

    # Attaching

    def attach_command(self, session: str, window: str | None) -> list[str]:
        """The command that shows the window in this terminal, from outside tmux."""
        select = [";", "select-window", "-t", window] if window else []
        return [self._program(), "-u", "-L", self._socket, "attach-session", "-t", f"={session}", *select]

    def switch(self, session_id: str, window: str | None) -> None:
        """Shows the window in the client that this process runs in."""
        select = [["select-window", "-t", window]] if window else []
        self._sequence(*select, ["switch-client", "-t", session_id])

    # Calling

    def _program(self) -> str:
        if self._binary is None:
            raise TmuxUnavailable("tmux is not installed", f"{INSTALL}, e.g. apt-get install tmux")
        return self._binary

    def version(self) -> tuple[str, tuple[int, ...]]:
        """tmux's version as it says it, and as numbers; TmuxUnavailable if it is missing."""
        self._program()
        said = self._one_line("-V")
        return said, tuple(int(part) for part in re.findall(r"\d+", said)[:2])

    def _check_version(self) -> None:
        said, numbers = self.version()
        if numbers and numbers < OLDEST:
            raise TmuxUnavailable(f"{said} is too old", INSTALL)

    def _one_line(self, *args: str) -> str:
        return self._quickly(*args).stdout.partition("\n")[0]

    def _words(self, *args: str) -> list[str]:
        words = ["-u", "-L", self._socket, *args]
        self._echo(["tmux", *words])
        return [self._program(), *map(_in_utf8, words)]

    def _quickly(self, *args: str) -> Said:
        """Without libtmux, whose import takes a third of an empty Invoke task: for looks and starts.

        Contract: Limits.
        """
        return self._answer(self._begun(*args))

    def _begun(self, *args: str) -> Client:
        return Client(self._words(*args), _clean(os.environ))

    def _answer(self, client: Client) -> Said:
        """What the client says; TmuxRefused if the server lets it wait too long."""
        try:
            began = time.monotonic()
            while not client.wait(min(SLICE, self._patience - (time.monotonic() - began))):
                if (waited := time.monotonic() - began) >= self._patience:
                    hint = "a command of its tmux.conf may still be running (run-shell)"
                    why = f"the tmux server {self._socket} has not answered for {self._patience:g} s"
                    raise TmuxRefused(why, hint)
                self._tell(self._what_it_does, waited)
        finally:
            client.end()
        out, err = client.stdout.decode("utf-8", "surrogateescape"), client.stderr.decode("utf-8", "replace")
        return Said(client.returncode, out, err.strip())

    @property
    def _what_it_does(self) -> str:
        """What is waited for: a server that this client has started reads its configuration before anything else."""
        return "waiting for tmux" if self._found_server else "waiting for tmux, which reads its configuration"

    def _with_libtmux(self, *args: str) -> Said:
        from libtmux.common import tmux_cmd

        program, *words = self._words(*args)
        with _clean_environment():
            done = tmux_cmd(*words, tmux_bin=program)
        return Said(done.returncode, "\n".join(done.stdout), " ".join(done.stderr))

    def _sequence(self, *commands: Sequence[str]) -> None:
        self._checked(commands[0][0], self._quickly(*_joined(commands)))

    def _checked(self, command: str, answer: Said) -> Said:
        if answer.returncode:
            self._check_version()
            raise self._refused(command, answer)
        return answer

    def _refused(self, command: str, answer: Said, hint: str = "") -> TmuxRefused:
        why = answer.stderr or f"exit code {answer.returncode}"
        return TmuxRefused(f"tmux {command}: {why}", hint, was_overtaken=bool(re.search(OVERTAKEN, why)))

    def _close_socket(self) -> None:
        path = self._one_line("display-message", "-p", "#{socket_path}")
        if path and os.stat(path).st_uid == os.geteuid():
            os.chmod(path, 0o600)


def _parse(line: str) -> Pane | None:
    values = dict(zip(FIELDS, line.split(SEPARATOR, len(FIELDS) - 1), strict=False))
    if len(values) < len(FIELDS) or not values["window_index"].isdigit():
        return None
    return Pane(
        session=values["session_name"], session_id=values["session_id"], session_path=values["session_path"],
        workspace=values["@sentinel_workspace"], ports=values["@sentinel_ports"], window_id=values["window_id"],
        window_name=values["window_name"], index=int(values["window_index"]), pane_id=values["pane_id"],
        pid=_number(values["pane_pid"]) or 0, dead=values["pane_dead"] == "1", service=values["@sentinel_service"],
        launch=values["@sentinel_launch"], launcher=_number(values["@sentinel_launcher"]) or 0,
        port=_number(values["@sentinel_port"]), ready=values["@sentinel_ready"], home=values["@sentinel_home"],
        state=unmarked(values["@sentinel_state"]), kind=values["@sentinel_kind"], stopped=values["@sentinel_stopped"],
        run=values["@sentinel_run"],
        server=_number(values["pid"]) or 0,
    )  # fmt: skip


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() else None


def _in_utf8(word: str) -> str:
    """The word so that a child is given it in UTF-8, whatever this process's locale would make of it."""
    return word if word.isascii() else os.fsdecode(word.encode("utf-8", "surrogateescape"))


def _joined(commands: Sequence[Sequence[str]]) -> list[str]:
    """Several commands as one sequence."""
    words: list[str] = []
    for command in commands:
        words += ([";"] if words else []) + [_argument(word) for word in command]
    return words


def _argument(word: str) -> str:
    """A trailing `;` would end the command (tmux manual, PARSING SYNTAX)."""
    return word[:-1] + "\\;" if word.endswith(";") else word


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """What a tmux client needs, nothing that a server it starts would keep; UTF-8 in every locale."""
    return {name: environ[name] for name in PASSED_ON if name in environ} | {"LC_CTYPE": "C.UTF-8"}


@contextmanager
def _clean_environment() -> Iterator[None]:
    """For libtmux, which gives its clients this process's environment."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(_clean(before))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _program(name: str) -> str | None:
    """Where the program is on the PATH; shutil, which has this too, imports three kinds of compression beside it."""
    found = (os.path.join(folder, name) for folder in os.get_exec_path())
    return next((path for path in found if os.access(path, os.X_OK) and os.path.isfile(path)), None)
