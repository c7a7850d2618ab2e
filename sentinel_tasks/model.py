"""The nouns: what is configured, what was seen, what was decided, what is reported.

Frozen values, and the sets of words that they hold; of ours this module imports a noun of lineage and nothing else.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Literal, NamedTuple

from msgspec import Struct

from .lineage.process import Process
from .lineage.signals import number_of

HealthKind = Literal["http", "tcp", "command", "log", "notify", "exit", "up"]
Conflict = Literal["stop", "takeover", "fail", "auto"]
Restart = Literal["never", "on-failure", "always"]
Detached = Literal["end", "leave"]
StopSignal = Literal["INT", "TERM", "QUIT", "HUP", "USR1", "USR2", "WINCH"]
Hook = Literal["ready", "crash", "stop"]
Condition = Literal["started", "healthy", "completed"]
State = Literal["running", "starting", "unhealthy", "crashed", "completed", "stopped", "conflict"]
Severity = Literal["error", "warning", "info"]
Relation = Literal["ours", "stray", "protected", "adopted", "workspace", "pane", "foreign", "other-user", "unknown"]

STATES_AS_WANTED: frozenset[State] = frozenset({"running", "starting", "completed"})
STATES_NOT_RUNNING: frozenset[State] = frozenset({"stopped", "crashed"})
STATES_STARTED: frozenset[State] = STATES_AS_WANTED | {"unhealthy"}
STATES_HEALTHY: frozenset[State] = frozenset({"running", "completed"})
"""Sets of states: what status calls good; nothing there; and what satisfies the conditions of the same names."""

STATUS_CODES: dict[State, int] = {
    **dict.fromkeys(STATES_AS_WANTED, 0),
    "unhealthy": 1,
    **dict.fromkeys(STATES_NOT_RUNNING, 3),
    "conflict": 4,
}
"""The exit code of status (contract: Tasks, Exit codes)."""

UP_AFTER = 1.0
"""Seconds a service without a health check must stay up before it counts as running (contract: Configuration)."""


Line = tuple[float, bytes]
"""A line of output: when it came (epoch seconds, as far as known), and the bytes as they were written."""


class Typed(Struct, frozen=True):
    """How a person types tasks here: the program with its flags, and what it calls each task.

    `names` are by service (empty for the workspace's own tasks) and verb; None where nobody knows better than that each
    task has its own name. `python` is how the Python that runs Invoke is typed. With `verb_first` the program is our
    own, and takes a verb, then a service.
    """

    program: str = "inv"
    names: Mapping[tuple[str, str], str] | None = None
    python: str = "python"
    verb_first: bool = False

    def task(self, verb: str, service: str = "") -> str:
        """The command that runs this task; empty if no such task is listed."""
        if self.verb_first:
            return f"{self.program} {verb} {service}".rstrip()
        if self.names is not None:
            name = self.names.get((service, verb), "")
        else:
            own = "activate" if (service, verb) == ("telemetry", "start") else verb
            name = f"{service}.{own}" if service else own
        return f"{self.program} {name}" if name else ""


# What is configured


class KindOfHealth(Struct, frozen=True):
    """How a configuration writes one kind of health check: as a `word`, with a `key` of a mapping, or as an address.

    `written` is every way, for a person. `told_by` is what tells whether it is healthy: a `question`, which a suspended
    service meets in its own way, the `log`, the `listener`, or the launcher's `record` and the clock. `needs_port` is
    true for a check of the service's port and nothing else, `needs_listener` for one that fails while nobody listens
    there.
    """

    written: tuple[str, ...]
    told_by: Literal["question", "log", "listener", "record"]
    word: str = ""
    key: str = ""
    needs_port: bool = False
    needs_listener: bool = False

    @property
    def asks_nobody(self) -> bool:
        """True if a look tells it, without a question and without reading the log."""
        return self.told_by in ("listener", "record")


HEALTH_KINDS: dict[HealthKind, KindOfHealth] = {
    "http": KindOfHealth(
        ("a path such as /health", "a URL", "{path: …, expect: …}"), "question", key="path", needs_listener=True
    ),
    "tcp": KindOfHealth(
        ("tcp", "{tcp: PORT}"), "listener", word="tcp", key="tcp", needs_port=True, needs_listener=True
    ),
    "notify": KindOfHealth(("notify",), "record", word="notify"),
    "exit": KindOfHealth(("exit",), "record", word="exit"),
    "command": KindOfHealth(("{command: …}",), "question", key="command"),
    "log": KindOfHealth(("{log: REGEX}",), "log", key="log"),
    "up": KindOfHealth(("null",), "record", word="null"),
}
"""Every kind of health check (contract: Configuration, Health checks); schema, reading and messages follow this."""


class Health(Struct, frozen=True):
    """One service's health check (contract: Configuration, Health checks).

    `target` is what is asked: an address, a command, a pattern, or a port that is not the service's own; `expect` holds
    statuses such as `200` or `3xx`. One question may take `timeout` seconds, and `interval` seconds lie between two.
    A status asks `retries` times more before it calls the service unhealthy.
    """

    kind: HealthKind
    target: str | tuple[str, ...] = ""
    expect: tuple[str, ...] = ("2xx",)
    timeout: float = 5.0
    interval: float = 0.0
    retries: int = 0


class Service(Struct, frozen=True):
    """One service, ready to run: every default is filled in, every path is absolute.

    One of several instances has the name that they have in common (`template`), and its number from 1; `instances` is
    how many the configuration names.
    `on_change` is what changed files ask for: a signal or a command, with the word before it; None is a restart.
    """

    name: str
    title: str
    command: str | tuple[str, ...]
    why: str
    cwd: str
    port: int | None
    health: Health
    auto_port: bool = False
    env: tuple[tuple[str, str], ...] = ()
    env_files: tuple[str, ...] = ()
    startup_timeout: float = 30.0
    stop_timeout: float = 10.0
    stop_signal: StopSignal = "INT"
    stop_command: str | tuple[str, ...] | None = None
    hooks: tuple[tuple[Hook, str | tuple[str, ...]], ...] = ()
    success_codes: tuple[int, ...] = ()
    liveness: Health | None = None
    liveness_grace: float | None = None
    watchdog: float | None = None
    memory_limit: int | None = None
    nofile_limit: int | None = None
    watch: tuple[str, ...] = ()
    watch_ignore: tuple[str, ...] = ()
    watch_debounce: float = 0.1
    watch_git_ignored: bool = False
    on_change: tuple[str, str | tuple[str, ...]] | None = None
    restart_with: tuple[str, ...] = ()
    on_conflict: Conflict = "stop"
    restart: Restart = "never"
    detached: Detached = "end"
    depends_on: tuple[tuple[str, Condition], ...] = ()
    log_max_bytes: int = 50_000_000
    log_backups: int = 10
    window: str = ""
    index: int | None = None
    worker_command: str | tuple[str, ...] | None = None
    counts_workers: bool = False
    autostart: bool = True
    groups: tuple[str, ...] = ()
    has_tasks: bool = True
    cwd_template: str = ""
    notes: tuple[str, ...] = ()
    by_flag: tuple[str, ...] = ()
    template: str = ""
    instance: int = 0
    instances: int = 0

    def __repr__(self) -> str:
        """The name alone: an environment may hold secrets."""
        return f"Service({self.name!r})"

    @property
    def key(self) -> str:
        """Where it is configured."""
        return f"sentinel.services.{self.common_name}"

    @property
    def common_name(self) -> str:
        """The name by which the configuration calls it: of an instance the one that all have in common."""
        return self.template or self.name

    @property
    def is_one_shot(self) -> bool:
        """True if the service is completed once its process has exited 0, such as a migration."""
        return self.health.kind == "exit"

    def ends_well(self, run: "Run") -> bool:
        """True if the run ended with exit code 0 or one of `success_codes`; a signal counts as a shell has it."""
        return run.cause is None and run.shell_code is not None and run.shell_code in (0, *self.success_codes)


class Workspace(Struct, frozen=True, dict=True):
    """A project's folder and its services; `path` is real and absolute (contract: Workspace).

    `is_whole` is false where a part of its configuration is wrong, and so not among it. `keys` are digests of each
    service's keys, where their values are not among it either (config/remembering.py).
    """

    path: str
    session: str
    state_folder: str
    services: tuple[Service, ...]
    socket_name: str | None = None
    history_limit: int = 10_000
    window_state: bool = True
    typed: Typed = Typed()
    is_whole: bool = True
    keys: Mapping[str, Mapping[str, str]] | None = None

    def service(self, name: str) -> Service:
        """The service of that name; KeyError if there is none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Service]:
        return {service.name: service for service in reversed(self.services)}

    @property
    def templates(self) -> dict[str, list[Service]]:
        """The instances of each service that has several, by the name that they have in common."""
        found: dict[str, list[Service]] = {}
        for service in self.services:
            if service.template:
                found.setdefault(service.template, []).append(service)
        return found

    def by_every_name(self, ports: Mapping[str, int]) -> dict[str, int]:
        """The ports as the services are told of them: by the name in common of several instances the first one's."""
        first = {each.template: ports[each.name] for each in self.services if each.instance == 1 and each.name in ports}
        return {**ports, **first}


class StartedWith(Struct, frozen=True):
    """Digests of what a launch was started with, by key (config/digests.py)."""

    launch: str
    digests: dict[str, str]


class RanWell(Struct, frozen=True):
    """When a start last found a service healthy (epoch seconds), how it was configured, and the commit that it ran."""

    at: float
    digests: dict[str, str]
    commit: str = ""


# What was seen


class Identity(NamedTuple):
    """A process that can't be mistaken for a later one of the same pid: pid, and the kernel's tick at which it began.

    The kernel counts ticks since boot: setting the clock does not move them.
    """

    pid: int
    ticks: int


class Tags(NamedTuple):
    """For what a process was started, by its environment; `server` is the tmux server whose window it began in."""

    workspace: str | None = None
    service: str | None = None
    server: int | None = None


def identity_of(process: Process) -> Identity:
    """The process as it is recognised again."""
    return Identity(process.pid, process.ticks)


class Pane(Struct, frozen=True):
    """One row of tmux's `list-panes -a`, marks included; an empty mark is an empty string.

    `workspace` is the session's mark, `home` the service's own: a window that was moved elsewhere keeps it. `server` is
    the pid of the tmux server, `state` the state folder of whoever started the service: another terminal may have
    another. `stopped` is the launch that a stop has ended, where its record could not tell that; `run` is the record
    itself, as JSON, where the launcher can't write it to the disk.
    """

    session: str
    session_id: str
    session_path: str
    workspace: str
    ports: str
    window_id: str
    window_name: str
    index: int
    pane_id: str
    pid: int
    dead: bool
    service: str
    launch: str
    launcher: int
    port: int | None
    ready: str
    home: str
    server: int
    state: str = ""
    kind: str = ""
    stopped: str = ""
    run: str = ""

    @property
    def alive(self) -> bool:
        """True while the launcher that we started in this pane runs; a process put there by hand does not count."""
        return not self.dead and bool(self.launch) and self.pid == self.launcher


class Lease(Struct, frozen=True, array_like=True):
    """What a service runs for: a process that wants it, and until when (epoch seconds); None is no such condition."""

    pid: int | None = None
    ticks: int | None = None
    until: float | None = None


class Run(Struct, frozen=True):
    """What the launcher recorded of one launch and its latest run: the process, when it was asked to end, how it ended.

    Times are epoch seconds: the launch `began`, the run `started`, was `asked` to end, went on in the background though
    its own process had exited 0 (`backgrounded`), and `ended`. `launcher_ticks` and `ticks` are when the launcher and
    the run's process began by the kernel's clock; `family` are the descendants that the launcher knew when it wrote,
    all of the machine's `boot`. `cause` is why the run was ended, where that was no task and no C-c: it
    failed unless it was `interrupted`. The service itself told that it is `ready`, its `status`, until when its start
    takes longer (`extended`), and its main process. `awaits_ready` says that the launcher wants to be told once the
    service is healthy, `hooks` what was wrong with the latest run of a hook. `reaction` is what the launcher did last
    because files changed, or because a service with which its own restarts had restarted, and `reacted` when. It runs
    as long as one of its `leases` holds, if it has any. Who does not know its configuration stops it by `stop_timeout`
    and `stop_signal`, before the services that it `needs`. It was given this `port`.
    """

    launch: str
    launcher: int
    pid: int | None = None
    began: float = 0.0
    started: float | None = None
    asked: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    signal: str | None = None
    interrupted: bool = False
    restarts: int = 0
    next_start: float | None = None
    last_exit: str | None = None
    error: str | None = None
    boot: str = ""
    launcher_ticks: int = 0
    ticks: int | None = None
    family: tuple[Identity, ...] = ()
    backgrounded: float | None = None
    cause: str | None = None
    ready: float | None = None
    status: str = ""
    extended: float | None = None
    main_pid: int | None = None
    awaits_ready: bool = False
    hooks: dict[str, str] = {}
    reaction: str = ""
    reacted: float | None = None
    leases: tuple[Lease, ...] = ()
    stop_timeout: float | None = None
    stop_signal: StopSignal = "INT"
    needs: tuple[str, ...] = ()
    port: int | None = None

    @property
    def is_recorded(self) -> bool:
        """False for what the living processes alone tell, because the record is lost."""
        return self.began > 0

    @property
    def is_incomplete(self) -> bool:
        """True while the record has no process of the service yet; on a full disk it stays so."""
        return self.pid is None and self.ended is None and self.error is None

    @property
    def is_over(self) -> bool:
        """True once a run of this launch has ended and no other one follows."""
        return self.error is not None or (self.ended is not None and self.next_start is None)

    @property
    def shell_code(self) -> int | None:
        """The exit code as a shell has it: 128 and the number for a signal; None where neither is known."""
        if self.signal is None:
            return self.exit_code
        number = number_of(self.signal)
        return 128 + number if number else None

    @property
    def known(self) -> frozenset[Identity]:
        """The service's processes that it names; a later process of the same pid is none of them."""
        main = [Identity(self.pid, self.ticks)] if self.pid and self.ticks else []
        return frozenset([*main, *self.family])


class Launcher(Struct, frozen=True):
    """A living launcher of a service, and which launch it is.

    `server` is the tmux server that it runs under, None if that is gone; `has_window` says that it is in a window of
    it, `is_reached` that this task asks this server, and `way` how a person reaches one that it does not. `state` is
    the state folder that it writes to.
    """

    identity: Identity
    launch: str
    server: int | None = None
    has_window: bool = True
    is_reached: bool = True
    way: str = ""
    state: str = ""


class Listener(Struct, frozen=True):
    """Who listens on a port, as far as it can be seen; None is "unseen".

    `line` is the process itself and all above it, nearest first; `is_above_us` is true for one that this very task was
    started by. Below a launcher, `workspace` and `service` are those of the launcher, whatever its own tags tell.
    """

    address: str
    identity: Identity | None = None
    name: str | None = None
    user: str | None = None
    own_user: bool = False
    command: str | None = None
    cwd: str | None = None
    workspace: str | None = None
    service: str | None = None
    age: float = 0.0
    line: tuple[Process, ...] = ()
    is_above_us: bool = False

    def __repr__(self) -> str:
        """Without the command line: it may hold secrets."""
        return f"Listener({self.address!r}, {self.identity!r}, {self.name!r})"

    @property
    def pid(self) -> int | None:
        """The pid of the process that listens; None if it can't be seen."""
        return self.identity.pid if self.identity else None


class Holder(Struct, frozen=True):
    """A listener on the service's port, with its relation to the service (contract: Start, Relations).

    `inside` says that it runs in the workspace's folder, `is_gone` that the workspace it belongs to does not exist.
    """

    listener: Listener
    relation: Relation
    pane: Pane | None = None
    inside: bool = False
    is_gone: bool = False


class Answer(Struct, frozen=True):
    """The answer to a health check; `workers` and `summary` only where the answer counts workers."""

    ok: bool
    detail: str
    latency_ms: float | None = None
    workers: int | None = None
    summary: tuple[tuple[str, int], ...] = ()


class Observation(Struct, frozen=True):
    """Everything seen of one service in one look. `answer` is None if nobody was asked.

    `open_at` are the loopback addresses at which its port accepts, `elsewhere` the places where it listens while that
    port is silent, and `elsewhere_by` the processes that do, `last_output` the last lines of a run that ended by
    itself, `wanted_is_free` whether a port that is wanted now, but not used by what runs, could be had; None where it
    was not looked for. `family` are the living processes below the launcher, `orphans` those of the service that have
    no launcher any more, `twins` further launchers of it. `changes` are the keys that are configured otherwise now
    than when it was started; None if it does not run or nobody knows. `is_unlogged` says that its output is not
    written to its log any more, `unwatched` why its files are not watched though they should be, and `unmatched` the
    patterns of its `watch` that no file matches.
    """

    now: float
    session: str
    session_exists: bool = False
    pane: Pane | None = None
    run: Run | None = None
    port: int | None = None
    open_at: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    answer: Answer | None = None
    elsewhere: tuple[str, ...] = ()
    elsewhere_by: tuple[Listener, ...] = ()
    rss_bytes: int | None = None
    last_output: tuple[str, ...] = ()
    wanted_is_free: bool | None = None
    launcher: Launcher | None = None
    family: tuple[Process, ...] = ()
    orphans: tuple[Holder, ...] = ()
    twins: tuple[Identity, ...] = ()
    changes: tuple[str, ...] | None = None
    is_unlogged: bool = False
    unwatched: str = ""
    unmatched: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """True while the launcher runs the service or will run it again; tmux reports an end later than the record."""
        return self.launcher is not None and not (self.run is not None and self.run.is_over)

    @property
    def main(self) -> Process | None:
        """The service's own process below its launcher; what that has left there if it is in the background."""
        pids = (self.run.main_pid, self.run.pid) if self.run else ()
        own = (each for pid in pids if pid for each in self.family if each.pid == pid)
        return next(own, None) or self.background

    @property
    def background(self) -> Process | None:
        """The first process of a service that went into the background: its own process has ended, with exit code 0."""
        is_there = self.run is not None and self.run.backgrounded is not None and self.run.ended is None
        return next(iter(self.family), None) if is_there else None

    @property
    def recorded(self) -> frozenset[Identity]:
        """Those of its orphans that the launcher's record names, and what is below these."""
        known, orphans = self.run.known if self.run else frozenset(), [holder.listener for holder in self.orphans]
        below = (each for each in orphans if each.identity in known or known.intersection(map(identity_of, each.line)))
        return frozenset(who for each in below if (who := each.identity))

    @property
    def launch(self) -> str | None:
        """The launch that its launcher is of, else that of its window; None if there is neither."""
        return self.launcher.launch if self.launcher else self.pane.launch if self.pane else None

    @property
    def state_folder(self) -> str:
        """The state folder of whoever started it; empty if that is not known."""
        return self.launcher.state if self.launcher else self.pane.state if self.pane else ""

    @property
    def was_ready(self) -> bool:
        """True if a start has seen this launch healthy."""
        return self.pane is not None and self.pane.ready == self.pane.launch

    @property
    def place(self) -> str | None:
        """The session that the service's window is in, also after a person moved it; else the workspace's session."""
        return self.pane.session if self.pane else self.session if self.session_exists else None

    @property
    def host(self) -> str:
        """The name at which its port is reached: `localhost`, unless it listens at another loopback address alone."""
        return next((each for each in self.open_at if each not in ("127.0.0.1", "::1")), "localhost")

    @property
    def ending_for(self) -> float | None:
        """Seconds since the running service was asked to end by C-c; None if it was not."""
        asked = self.run.asked if self.alive and self.run and self.run.ended is None else None
        return None if asked is None else self.now - asked

    @property
    def age(self) -> float:
        """Seconds since the service's process was last started; 0 if it does not run now."""
        started = self.run.started if self.run and self.run.ended is None else None
        return max(0.0, self.now - started) if started else 0.0


# What was decided


class Done(Struct, frozen=True):
    """The service is as wanted; `adopted` is the process that was started by hand, if it is one."""

    adopted: Holder | None = None


class Wait(Struct, frozen=True):
    """There is nothing to do but to look again."""


class Launch(Struct, frozen=True):
    """Start the service, on another port than the wanted one if `move` is set."""

    move: bool = False


class EndHolders(Struct, frozen=True):
    """End these processes, then look again."""

    holders: tuple[Holder, ...]
    event: Literal["stray", "takeover"]


class EndLauncher(Struct, frozen=True):
    """Have the launcher of an earlier launch end what it still runs, then look again."""

    launcher: Launcher


class Refuse(Struct, frozen=True):
    """The port is held by something that is left alone: exit 4."""

    holder: Holder


class Fail(Struct, frozen=True):
    """The service did not come up: exit 1; `kind` says how."""

    kind: Literal["ended", "timeout", "other-port", "not-taken", "dependency"]
    reason: str = ""


Action = Done | Wait | Launch | EndHolders | EndLauncher | Refuse | Fail


# What is reported


class Report(Struct, frozen=True):
    """The truth about one service after a task, with the task's exit code; every output is drawn from it."""

    service: Service
    state: State
    seen: Observation
    workspace: Workspace
    code: int = 0
    changed: bool | None = None
    error: str | None = None
    hint: str = ""
    notes: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()


class Needed(Struct, frozen=True):
    """A service that another one waits for: what it must be, and what it is."""

    name: str
    condition: Condition
    state: State


class Why(Struct, frozen=True):
    """Why a service is as it is: what it waits for, what it printed last, what changed since it last ran well.

    `changes` are keys of the configuration; `commit` is the workspace's now, empty if it is in no repository.
    """

    report: Report
    waits_for: tuple[Needed, ...]
    last_output: tuple[str, ...]
    well: RanWell | None
    changes: tuple[str, ...] = ()
    commit: str = ""


class Finding(Struct, frozen=True):
    """What one check of the doctor found, with a remedy if the check does not hold (contract: Doctor).

    `mend` is what `--fix` may do about it, None if that is left to a person; `fixed` is true once it helped.
    """

    name: str
    ok: bool
    severity: Severity
    reason: str
    remedy: str = ""
    fixed: bool = False
    mend: Callable[[], object] | None = None


class Progress(Struct, frozen=True):
    """What a person is shown of one service while a task waits for it; times in seconds.

    `last_line` tells what it printed last, for whoever shows that.
    """

    service: Service
    word: str
    elapsed: float
    limit: float
    last_line: Callable[[], str] = str
