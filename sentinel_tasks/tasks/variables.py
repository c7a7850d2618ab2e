"""Keeps Invoke from reading the variables of the `sentinel` section: it would cast each to the type in `invoke.yaml`.

`INVOKE_SENTINEL_SERVICES_WEB_PORT=auto` over `port: 3000` would be a ValueError before any task runs, and a text over
a list an UncastableEnvVar. Our own reading (`config.load`) knows what each key may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import invoke.config
from invoke.env import Environment

SECTION = ["sentinel"]


class OthersVariables(Environment):
    """Invoke's reader of variables, for every section but ours."""

    def _crawl(self, key_path: list[str], env_vars: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        return {} if key_path == SECTION else super()._crawl(key_path, env_vars)


def take_over() -> None:
    """From now on the variables of our section are ours to read."""
    invoke.config.Environment = OthersVariables  # type: ignore[attr-defined]
