"""What a service is started with, as digests: enough to see later what has changed, too little to learn a value.

Contract: Configuration, Changes. Values are taken as they are written, before names in them are replaced: a variable of
the caller's shell is no configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache

from ..decisions.changes import FILE_VARIABLE, VARIABLE, changed
from ..model import Service

STARTED_WITH: Mapping[str, tuple[str, ...]] = {
    "command": ("command",),
    "cwd": ("cwd",),
    "port": ("port", "auto_port"),
    "restart": ("restart",),
    "stop_timeout": ("stop_timeout",),
    "stop_signal": ("stop_signal",),
    "stop_command": ("stop_command",),
    "hooks": ("hooks",),
    "liveness": ("liveness", "liveness_grace", "watchdog"),
    "limits": ("memory_limit", "nofile_limit"),
    "success_codes": ("success_codes",),
    "watch": ("watch", "watch_ignore", "watch_debounce", "watch_git_ignored"),
    "on_change": ("on_change",),
    "restart_with": ("restart_with",),
    "log_max_mb": ("log_max_bytes",),
    "log_backups": ("log_backups",),
    "detached": ("detached",),
    "worker_command": ("worker_command",),
}
"""The keys that a running service was started with, and the fields of `Service` that they fill; `health` and the
variables are digested apart."""

ENV_FILES = "env_file"
DIGEST_BYTES = 8
KEPT = 512
"""So many digests are made once: most keys of most services have the same value."""


def digests(service: Service, salt: bytes) -> dict[str, str]:
    """A digest for each key and each variable that the service is started with; not of keys that a flag overrides."""
    return {**digests_of_keys(service, salt), **_of_files(service, salt, {})}


def changes_since(
    before: Mapping[str, str], service: Service, salt: bytes, keys: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The keys that are configured otherwise now than when these digests were made; `keys` are those of the keys now,
    where they were made before."""
    of_keys = digests_of_keys(service, salt) if keys is None else keys
    return changed(before, {**of_keys, **_of_files(service, salt, before)})


def digests_of_keys(service: Service, salt: bytes) -> dict[str, str]:
    """The same without what the files of variables say."""
    health = service.health
    values: dict[str, object] = {
        key: [getattr(service, field) for field in fields] for key, fields in STARTED_WITH.items()
    }
    values["health"] = [health.kind, health.target, health.expect]
    values |= {f"{VARIABLE}{name}": text for name, text in service.env}
    return {key: keyed_digest(salt, key, value) for key, value in values.items() if key not in service.by_flag}


def _of_files(service: Service, salt: bytes, before: Mapping[str, str]) -> dict[str, str]:
    """Files that are as they were are not parsed; of others only the variables tell, unless one can't be read."""
    known = {key: digest for key, digest in before.items() if key.startswith(FILE_VARIABLE)}
    if not service.env_files and not known and ENV_FILES in before:
        return {ENV_FILES: before[ENV_FILES]}
    contents = [_content(path) for path in service.env_files]
    whole = keyed_digest(salt, ENV_FILES, contents)
    if whole == before.get(ENV_FILES):
        return {ENV_FILES: whole, **known}
    try:
        found = _variables(contents)
    except ValueError:
        return {ENV_FILES: whole, **known}
    named = {f"{FILE_VARIABLE}{name}": text for name, text in found.items()}
    return {
        ENV_FILES: before.get(ENV_FILES, whole),
        **{key: keyed_digest(salt, key, text) for key, text in named.items()},
    }


def _variables(contents: Iterable[bytes | None]) -> dict[str, str]:
    """What all files say together, as it is written; ValueError if one of them can't be read."""
    from ..system.env_file import variables_as_written

    found: dict[str, str] = {}
    for content in contents:
        if content is None:
            raise ValueError("it can't be read")
        found |= variables_as_written(content)
    return found


def _content(path: str) -> bytes | None:
    with suppress(OSError), open(path, "rb") as file:
        return file.read()
    return None


def keyed_digest(salt: bytes, key: str, value: object) -> str:
    """A digest of the value of that key, from which nobody without the salt can guess it."""
    return _digest(salt, repr((key, value)))


@lru_cache(maxsize=KEPT)
def _digest(salt: bytes, text: str) -> str:
    try:
        from _blake2 import blake2b  # the same, but hashlib loads all of OpenSSL beside it
    except ImportError:  # a Python that has it elsewhere
        from hashlib import blake2b

    return blake2b(text.encode("utf-8", "surrogateescape"), key=salt, digest_size=DIGEST_BYTES).hexdigest()
