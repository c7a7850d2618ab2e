"""The configuration's keys and what is allowed, in one place. Checked by msgspec; also the JSON Schema.

Its annotations are types, not text: to evaluate text again took each task a millisecond.
"""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..model import HEALTH_KINDS, UP_AFTER, Condition, Conflict, Detached, HealthKind, Restart, StopSignal
from .problems import listed

MOST_INSTANCES = 100
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Words = Annotated[list[str], Meta(min_length=1)]
Text = Annotated[str, Meta(min_length=1)]
Scalar = str | int | float | bool | None
Port = Annotated[int, Meta(ge=1, le=65_535)] | Literal["auto"] | None
Conditions = dict[str, Condition]
Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9-]*$")]
HEALTH_WORDS = {kind.word: name for name, kind in HEALTH_KINDS.items() if kind.word}
HEALTH_KEYS = {kind.key: name for name, kind in HEALTH_KINDS.items() if kind.key}
SIZE = r"^[0-9]+(\.[0-9]+)? *([KkMmGgTt]([Ii]?[Bb]|[Ii])?)?$"
Address = Annotated[str, Meta(pattern=f"^(/|https?://.|({'|'.join(HEALTH_WORDS)})$)")]
ONE_CHECK = {"oneOf": [{"required": [key]} for key in HEALTH_KEYS]}
HEALTH_FORMS = listed([form for kind in HEALTH_KINDS.values() for form in kind.written])


class HealthKeys(Struct, forbid_unknown_fields=True, kw_only=True):
    """A health check that needs more than a word: exactly one check, and how it is asked."""

    path: Annotated[Text, Meta(description="a path such as /health, or a URL")] | UnsetType = UNSET
    tcp: (
        Annotated[
            bool | Annotated[int, Meta(ge=1, le=65_535)] | None,
            Meta(description="true for the service's own port, or another port on which it must listen"),
        ]
        | UnsetType
    ) = UNSET
    command: Annotated[Text | Words, Meta(description="healthy when it exits 0")] | UnsetType = UNSET
    log: Annotated[Text, Meta(description="healthy once a line of output matches")] | UnsetType = UNSET
    expect: (
        Annotated[int | Text | list[int | str], Meta(description="the HTTP statuses that count as healthy")] | UnsetType
    ) = UNSET
    timeout: Annotated[Seconds, Meta(description="seconds that status waits for an answer")] | UnsetType = UNSET
    interval: Annotated[Seconds, Meta(description="seconds between two questions")] | UnsetType = UNSET
    retries: (
        Annotated[int, Meta(ge=0, le=1_000, description="how often status asks again before it says unhealthy")]
        | UnsetType
    ) = UNSET


class LivenessKeys(Struct, forbid_unknown_fields=True, kw_only=True):
    """A check that is made as long as the service runs: exactly one, and how it is asked."""

    path: Annotated[Text, Meta(description="a path such as /health, or a URL")] | UnsetType = UNSET
    tcp: (
        Annotated[
            Literal[True] | Annotated[int, Meta(ge=1, le=65_535)],
            Meta(description="true for the service's own port, or another port that must accept connections"),
        ]
        | UnsetType
    ) = UNSET
    command: Annotated[Text | Words, Meta(description="alive when it exits 0")] | UnsetType = UNSET
    log: Annotated[Text, Meta(description="alive while lines match that it prints")] | UnsetType = UNSET
    watchdog: (
        Annotated[Seconds, Meta(description="seconds within which it tells WATCHDOG=1, again and again")] | UnsetType
    ) = UNSET
    interval: Annotated[Seconds, Meta(description="seconds between two questions")] | UnsetType = UNSET
    timeout: Annotated[Seconds, Meta(description="seconds that an answer may take")] | UnsetType = UNSET
    retries: Annotated[int, Meta(ge=1, le=1_000, description="failures in a row that end it")] | UnsetType = UNSET
    grace: (
        Annotated[Seconds, Meta(description="seconds in which failures before the first answer do not count")]
        | UnsetType
    ) = UNSET


class LimitsKeys(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the service's processes may use."""

    memory: (
        Annotated[
            Annotated[str, Meta(pattern=SIZE)] | Annotated[int, Meta(ge=1)] | None,
            Meta(description="what all its processes use together, such as 512M or 1.5G; 1M is 1048576 bytes"),
        ]
        | UnsetType
    ) = UNSET
    nofile: (
        Annotated[
            Annotated[int, Meta(ge=1, le=1_073_741_816)] | None,
            Meta(description="files that each of its processes may have open"),
        ]
        | UnsetType
    ) = UNSET


class HooksKeys(Struct, forbid_unknown_fields=True, kw_only=True):
    """Commands that are told what becomes of the service; each has 10 s."""

    ready: Annotated[Text | Words | None, Meta(description="once a start has found it healthy")] | UnsetType = UNSET
    crash: Annotated[Text | Words | None, Meta(description="after it has ended as a failure")] | UnsetType = UNSET
    stop: Annotated[Text | Words | None, Meta(description="after it was asked to end")] | UnsetType = UNSET


class WatchKeys(Struct, forbid_unknown_fields=True, kw_only=True):
    """Whose changes count, and from when on a burst of them is over."""

    paths: Annotated[Text | Words, Meta(description="patterns as in .gitignore, relative to the workspace")]
    ignore: Annotated[Text | list[str], Meta(description="patterns of what does not count")] | UnsetType = UNSET
    debounce: (
        Annotated[float, Meta(gt=0, le=60, description="seconds without a change that end a burst")] | UnsetType
    ) = UNSET
    git_ignored: Annotated[bool, Meta(description="true: what git ignores counts too")] | UnsetType = UNSET


class OnChangeKeys(Struct, forbid_unknown_fields=True, kw_only=True):
    """What changed files ask for in place of a restart: exactly one."""

    signal: Annotated[StopSignal, Meta(description="sent to the service's own process")] | UnsetType = UNSET
    command: Annotated[Text | Words, Meta(description="run in its folder and environment")] | UnsetType = UNSET


class ServiceKeys(Struct, forbid_unknown_fields=True, kw_only=True):
    """One service (contract: Configuration). A key that is left out keeps its default."""

    title: Annotated[str, Meta(description="what status calls it", pattern=r"\S")] | UnsetType = UNSET
    command: Annotated[Text | Words, Meta(description="a string runs in sh -c, a list is run as it is")] | UnsetType = (
        UNSET
    )
    cwd: Annotated[str, Meta(description="where it runs, relative to the workspace")] | UnsetType = UNSET
    port: Annotated[Port, Meta(description="1 to 65535, auto, or null for none")] | UnsetType = UNSET
    health: (
        Annotated[
            Address | HealthKeys | None,
            Meta(description=f"{HEALTH_FORMS}; with null it must stay up for {UP_AFTER:g} s"),
        ]
        | UnsetType
    ) = UNSET
    expect: (
        Annotated[
            int | Text | list[int | str],
            Meta(description="the HTTP statuses that count as healthy, such as [200, 3xx]"),
        ]
        | UnsetType
    ) = UNSET
    env: Annotated[dict[str, Scalar], Meta(description="variables for the service")] | UnsetType = UNSET
    env_file: (
        Annotated[str | list[str], Meta(description="files of variables, relative to the workspace")] | UnsetType
    ) = UNSET
    startup_timeout: Annotated[Seconds, Meta(description="seconds until it must be healthy")] | UnsetType = UNSET
    stop_timeout: Annotated[Seconds, Meta(description="seconds it may take to end when asked")] | UnsetType = UNSET
    stop_signal: Annotated[StopSignal, Meta(description="the signal by which a stop asks it to end")] | UnsetType = (
        UNSET
    )
    stop_command: (
        Annotated[Text | Words | None, Meta(description="asks it to end, in place of the signal; null for none")]
        | UnsetType
    ) = UNSET
    hooks: Annotated[HooksKeys | None, Meta(description="commands that are told what becomes of it")] | UnsetType = (
        UNSET
    )
    success_codes: (
        Annotated[
            list[Annotated[int, Meta(ge=0, le=255)]],
            Meta(description="exit codes beside 0 that are no failure; 143 is also an end by TERM"),
        ]
        | UnsetType
    ) = UNSET
    liveness: (
        Annotated[LivenessKeys | None, Meta(description="ends it as a failure once it no longer answers")] | UnsetType
    ) = UNSET
    limits: (
        Annotated[LimitsKeys | None, Meta(description="what it may use; over memory it is ended as a failure")]
        | UnsetType
    ) = UNSET
    watch: (
        Annotated[
            Text | Words | WatchKeys | None,
            Meta(description="files whose changes restart it: patterns as in .gitignore, relative to the workspace"),
        ]
        | UnsetType
    ) = UNSET
    on_change: (
        Annotated[
            Literal["restart"] | OnChangeKeys,
            Meta(description="what changed files ask for: a restart, a signal or a command"),
        ]
        | UnsetType
    ) = UNSET
    restart_with: Annotated[str | list[str], Meta(description="it restarts when one of these does")] | UnsetType = UNSET
    on_conflict: Annotated[Conflict, Meta(description="what a start does when the port is taken")] | UnsetType = UNSET
    restart: Annotated[Restart, Meta(description="when a run that ended is followed by another one")] | UnsetType = (
        UNSET
    )
    detached: Annotated[Detached, Meta(description="what becomes of processes that left its session")] | UnsetType = (
        UNSET
    )
    depends_on: Annotated[str | list[str] | Conditions, Meta(description="what must be healthy first")] | UnsetType = (
        UNSET
    )
    log_max_mb: Annotated[float, Meta(gt=0, le=100_000, description="the log is rotated at this size")] | UnsetType = (
        UNSET
    )
    log_backups: Annotated[int, Meta(ge=0, le=1_000, description="rotated logs that are kept")] | UnsetType = UNSET
    window: Annotated[str, Meta(min_length=1, max_length=200, description="its window's name")] | UnsetType = UNSET
    index: Annotated[int, Meta(ge=0, le=998, description="its window's index")] | UnsetType = UNSET
    autostart: Annotated[bool, Meta(description="false: up alone does not start it")] | UnsetType = UNSET
    groups: Annotated[str | list[Name], Meta(description="what up --group may call it")] | UnsetType = UNSET
    instances: (
        Annotated[int, Meta(ge=1, le=MOST_INSTANCES, description="so many of it: NAME-1, NAME-2 and so on")] | UnsetType
    ) = UNSET
    worker_command: (
        Annotated[Text | Words | None, Meta(description="what the embedded Worker Telemetry API starts as a worker")]
        | UnsetType
    ) = UNSET


class SentinelKeys(Struct, forbid_unknown_fields=True, kw_only=True):
    """Everything under `sentinel:`."""

    socket_name: (
        Annotated[
            Annotated[str, Meta(pattern="^[^/]+$")] | None,
            Meta(description="tmux -L; null is tmux's default server"),
        ]
        | UnsetType
    ) = UNSET
    history_limit: Annotated[int, Meta(ge=1, le=10_000_000, description="lines of scrollback")] | UnsetType = UNSET
    window_state: (
        Annotated[bool, Meta(description="false: windows do not tell what their services are doing")] | UnsetType
    ) = UNSET
    services: (
        Annotated[dict[Name, ServiceKeys | None] | None, Meta(description="the services by their names")] | UnsetType
    ) = UNSET


ALLOWED = {
    "port": "a port from 1 to 65535, auto or null",
    "health": HEALTH_FORMS,
    "expect": "a status such as 200, a hundred such as 3xx, or a list of them",
    "command": "a string that is not empty (run by sh -c) or a list of words",
    "worker_command": "a string (run by sh -c), a list of words or null",
    "env": "a mapping of names to values",
    "env_file": "a path or a list of paths",
    "depends_on": f"a service's name, a list of names, or a mapping of names to {listed(get_args(Condition))}",
    "startup_timeout": "seconds, more than 0 and at most 86400",
    "stop_timeout": "seconds, more than 0 and at most 86400",
    "stop_signal": listed(get_args(StopSignal)),
    "stop_command": "a string (run by sh -c), a list of words or null",
    "hooks": "a mapping with ready, crash and stop, or null",
    "ready": "a string (run by sh -c), a list of words or null",
    "crash": "a string (run by sh -c), a list of words or null",
    "stop": "a string (run by sh -c), a list of words or null",
    "success_codes": "a list of exit codes from 0 to 255",
    "liveness": "a mapping with one of path, tcp, command, log and watchdog, or null",
    "limits": "a mapping with memory, nofile or both, or null",
    "memory": "a size of at least 1M with K, M, G or T behind the number, such as 512M or 1.5G, or null",
    "nofile": "a whole number from 1 to 1073741816, or null",
    "watch": "a pattern such as src/**/*.py, a list of patterns, a mapping with paths, or null",
    "paths": "a pattern such as src/**/*.py, or a list of patterns",
    "ignore": "a pattern such as *.tmp, or a list of patterns",
    "debounce": "seconds, more than 0 and at most 60",
    "git_ignored": "true or false",
    "on_change": "restart, {signal: …} or {command: …}",
    "signal": listed(get_args(StopSignal)),
    "restart_with": "a service's name or a list of names",
    "watchdog": "seconds, more than 0 and at most 86400",
    "grace": "seconds, more than 0 and at most 86400",
    "on_conflict": listed(get_args(Conflict)),
    "restart": listed(get_args(Restart)),
    "detached": listed(get_args(Detached)),
    "log_max_mb": "megabytes, more than 0 and at most 100000",
    "log_backups": "a whole number from 0 to 1000",
    "index": "a window's index from 0 to 998",
    "autostart": "true or false",
    "groups": "a name, or a list of names, of a-z, 0-9 and -",
    "instances": f"a whole number from 1 to {MOST_INSTANCES}",
    "window_state": "true or false",
    "history_limit": "a number of lines from 1 to 10000000",
    "window": "a name of 1 to 200 characters",
    "title": "a text that is not empty",
    "cwd": "a path",
    "socket_name": "a socket's name (tmux -L) without a slash, or null",
    "path": "a path that begins with / or a URL",
    "tcp": "true, for the service's own port, or a port from 1 to 65535",
    "log": "a regular expression that is not empty",
    "timeout": "seconds, more than 0 and at most 86400",
    "interval": "seconds, more than 0 and at most 86400",
    "retries": "a whole number from 0 to 1000",
}
"""What is allowed, in a person's words; msgspec's own words name types."""

SERVICE_TYPES: dict[str, Any] = ServiceKeys.__annotations__
HEALTH_TYPES: dict[str, Any] = HealthKeys.__annotations__
LIVENESS_TYPES: dict[str, Any] = LivenessKeys.__annotations__
LIMITS_TYPES: dict[str, Any] = LimitsKeys.__annotations__
HOOKS_TYPES: dict[str, Any] = HooksKeys.__annotations__
WATCH_TYPES: dict[str, Any] = WatchKeys.__annotations__
ON_CHANGE_TYPES: dict[str, Any] = OnChangeKeys.__annotations__
INNER_TYPES = {
    "health": HEALTH_TYPES,
    "liveness": LIVENESS_TYPES,
    "limits": LIMITS_TYPES,
    "hooks": HOOKS_TYPES,
    "watch": WATCH_TYPES,
    "on_change": ON_CHANGE_TYPES,
}
"""The keys of those keys that may be a mapping with keys of its own."""
LIVENESS_KEYS: dict[str, HealthKind] = {"path": "http", "tcp": "tcp", "command": "command", "log": "log"}
SENTINEL_TYPES: dict[str, Any] = {key: of for key, of in SentinelKeys.__annotations__.items() if key != "services"}


def takes_text(path: tuple[str, ...]) -> bool:
    """True if the key of that path below `sentinel` may be any text, so that `12:30` can be meant as it is written."""
    if len(path) == 1:
        wanted = SENTINEL_TYPES.get(path[0])
    elif len(path) > 3 and path[2] in INNER_TYPES:
        wanted = INNER_TYPES[path[2]].get(path[3])
    else:
        wanted = SERVICE_TYPES.get(path[2]) if len(path) > 2 else None
    try:
        return wanted in (None, LIMITS_TYPES["memory"]) or converted("any text", wanted) is not None
    except msgspec.ValidationError:
        return False


def converted(value: object, wanted: Any) -> Any:
    """The value as the type wants it, text from the environment included; msgspec.ValidationError if it can't be."""
    return msgspec.convert(value, wanted, strict=False)
