"""Which parts of a service's configuration are not as it was started with, from digests alone. Pure."""

from __future__ import annotations

from collections.abc import Mapping

VARIABLE, FILE_VARIABLE = "env.", "env_file."
"""How the keys of single variables begin: of `env`, and of the files of `env_file`."""


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """The keys whose values differ, variables that came or went among them.

    A key that only one of the two knows is one of another version of ours, and tells nothing.
    """
    keys = sorted(before.keys() | now.keys())
    return tuple(key for key in keys if before.get(key) != now.get(key) and _tells(key, before, now))


def _tells(key: str, before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    return key.startswith((VARIABLE, FILE_VARIABLE)) or (key in before and key in now)
