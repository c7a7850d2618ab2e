"""Invoke tasks that run a project's development services in one tmux session, and tell the truth about them.

The public face (contract: Configuration). Names are made when they are asked for: what a tasks file imports is what
its workspace has.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, which takes a log pump a sixth of its start
if TYPE_CHECKING:
    from typing import Any

    from invoke.collection import Collection

    from .tasks.declare import from_procfile, service, workspace
    from .tasks.requires import requires

    dev: Collection
    telemetry: Collection
    namespace: Collection

__all__ = ["dev", "from_procfile", "namespace", "requires", "service", "telemetry", "workspace"]


def __getattr__(name: str) -> Any:
    """Invoke is loaded here and not before: the API and its workers import this package too."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .tasks import bytecode

    bytecode.keep()
    from .tasks import declare

    if name in ("dev", "telemetry"):
        made: object = declare.service(name)
    elif name == "requires":
        from .tasks.requires import requires as made
    elif name == "namespace":
        from sentinel_tasks import dev, telemetry

        made = declare.root_of(dev, telemetry)
    else:
        made = getattr(declare, name)
    globals()[name] = made
    return made
