"""Keeps Invoke from ending in a traceback over its configuration files.

A file that can't be read is a wrong configuration (contract: Configuration), and within the `sentinel` section a later
source replaces
what an earlier one said, whatever shape either has: `health: tcp` after `health: {command: …}`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import invoke.config
from invoke.config import Config
from invoke.context import Context
from invoke.exceptions import Exit

from ..errors import ConfigurationError, Problem
from .console import Console, complain

SECTION = "sentinel"

invokes_load_file, invokes_merge = Config._load_file, invoke.config.merge_dicts


def load_file(config: Config, prefix: str, absolute: bool = False, merge: bool = True) -> None:
    """Invoke's own; exit code 2 with one clear line if there is a file that says nothing Invoke can use."""
    try:
        invokes_load_file(config, prefix, absolute, False)
        if not isinstance(getattr(config, f"_{prefix}"), dict | None):
            raise ValueError("it is no mapping of keys to values")
        if merge and getattr(config, f"_{prefix}_found"):
            config.merge()
    except Exception as reason:
        raise Exit(code=_refuse(_path(config, prefix), reason)) from reason


def _path(config: Config, prefix: str) -> str:
    """The file that Invoke was reading."""
    place = f"{getattr(config, f'_{prefix}_prefix', '')}{config.prefix}"
    candidates = (f"{place}.{suffix}" for suffix in config._file_suffixes)
    given = getattr(config, f"_{prefix}_path")
    return str(given) if given else next(filter(os.path.exists, candidates), place)


def _refuse(path: str, reason: Exception) -> int:
    from ..report import never_fail_to_print

    never_fail_to_print()
    problem = Problem(os.path.basename(path), path, f"can't be read: {' '.join(str(reason).split())}")
    return complain(Console(Context(), "--json" in sys.argv), ConfigurationError([problem]))


def merge(base: dict[str, Any], updates: dict[str, Any]) -> dict[str, Any]:
    """Invoke's own, but for our section, where it would refuse to put a mapping in a value's place."""
    if updates and SECTION in updates:
        _make_way(base, {SECTION: updates[SECTION]})
    return invokes_merge(base, updates)


def _make_way(base: dict[str, Any], updates: dict[str, Any]) -> None:
    for key in base.keys() & updates.keys():
        shapes = isinstance(base[key], dict), isinstance(updates[key], dict)
        if all(shapes):
            _make_way(base[key], updates[key])
        elif any(shapes):
            del base[key]


def take_over() -> None:
    """From now on Invoke loads and merges files in this way."""
    Config._load_file = load_file  # type: ignore[method-assign,assignment]
    invoke.config.merge_dicts = merge
