"""Everything that is wrong with a configuration, in words that show no secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..errors import Problem
from ..text.masking import MASK, is_secret, masked, masked_text

HIDDEN = "…"
"""Shown in place of what may be secrets: variables, and whatever holds more than one value."""


NAMES_ELSEWHERE = {
    "cmd": "command", "entrypoint": "command", "exec": "command", "run": "command", "script": "command",
    "args": "command",
    "dir": "cwd", "directory": "cwd", "folder": "cwd", "path": "cwd", "root": "cwd", "workdir": "cwd",
    "working_dir": "cwd", "working_directory": "cwd", "work_dir": "cwd",
    "environment": "env", "vars": "env", "variables": "env", "dotenv": "env_file", "envfile": "env_file",
    "env_files": "env_file", "healthcheck": "health", "health_check": "health", "ready": "health",
    "readiness": "health",
    "readiness_probe": "health", "ports": "port", "after": "depends_on", "depends": "depends_on", "needs": "depends_on",
    "requires": "depends_on", "autorestart": "restart", "restart_policy": "restart", "availability": "restart",
    "timeout": "startup_timeout", "start_timeout": "startup_timeout", "shutdown_timeout": "stop_timeout",
    "stop_grace_period": "stop_timeout", "socket": "socket_name", "history": "history_limit", "processes": "services",
    "test": "command", "url": "path", "http": "path", "uri": "path", "regex": "log", "pattern": "log", "line": "log",
    "status": "expect", "code": "expect", "period": "interval", "period_seconds": "interval", "every": "interval",
    "timeout_seconds": "timeout", "failure_threshold": "retries", "tries": "retries", "attempts": "retries",
    "port": "tcp", "limit": "limits", "ulimits": "limits", "ulimit": "limits", "resources": "limits",
    "memory_limit": "memory", "mem_limit": "memory", "max_memory": "memory", "mem": "memory", "ram": "memory",
    "max_memory_restart": "memory", "memorymax": "memory", "minfds": "nofile", "fds": "nofile", "files": "nofile",
    "open_files": "nofile", "limitnofile": "nofile", "memory": "limits", "nofile": "limits",
    "hook": "hooks", "on_fail": "crash", "on_crash": "crash", "crash": "hooks", "on_stop": "stop", "post_stop": "stop",
    "stop": "hooks",
}  # fmt: skip
"""What other tools call our keys, and in which of ours an inner one stands."""


class Problems:
    """Collects problems, so that a person sees all of them at once."""

    def __init__(self, found_before: Iterable[Problem] = ()) -> None:
        self.problems: list[Problem] = [*found_before]

    def add(self, key: str, value: object, reason: str) -> None:
        """Adds a problem of a key's value once, with what may be secret masked; `reason` says what is allowed."""
        problem = Problem(masked_text(key), _without_secrets(value), reason)
        if problem not in self.problems:
            self.problems.append(problem)

    def unknown(self, key: str, value: object, kind: str, known: Iterable[str], name: str = "", file: str = "") -> None:
        """Adds a problem of a key that nothing reads, or of the value `name`; what may hold secrets is not shown."""
        names = sorted(known)
        near = nearest(name or key.rpartition(".")[2], names)
        meant = f"did you mean {near}?" if near else f"known are {', '.join(names)}"
        self.add(
            key,
            HIDDEN if isinstance(value, Mapping | list | tuple) else value,
            f"unknown {kind}{f' in {file}' if file else ''}; {meant}",
        )


def nearest(word: str, names: list[str]) -> str:
    """The name most likely meant: what others call it, else one that looks or begins alike; empty if there is none."""
    ours = NAMES_ELSEWHERE.get(word.lower().replace("-", "_"), "")
    if known := next((each for each in (ours, NAMES_ELSEWHERE.get(ours, "")) if each in names), ""):
        return known
    import difflib

    alike = difflib.get_close_matches(word, names, n=1)
    begun = [name for name in names if word and (name.startswith(word) or word.startswith(name))]
    return next(iter([*alike, *begun]), "")


def listed(words: Sequence[str], last: str = "or") -> str:
    """The words as a sentence lists them: `a, b or c`."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _without_secrets(value: object) -> object:
    """The value as it may be shown, with what a name or a shape gives away as secret masked."""
    if isinstance(value, Mapping):
        return {name: MASK if is_secret(str(name)) else _without_secrets(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        words = all(isinstance(each, str) for each in value)
        return masked(value) if words else [_without_secrets(each) for each in value]
    return masked_text(value) if isinstance(value, str) else value
