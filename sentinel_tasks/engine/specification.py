"""What a launcher is told of its service (supervisor/specification.py takes it). Does nothing."""

from __future__ import annotations

from collections.abc import Mapping

from ..decisions.escalation import HOOK_SECONDS
from ..model import UP_AFTER, Health, Service
from ..world import World
from .log_pump import PYTHON, SUPERVISOR

OVERLAP = 1.0
"""By so many seconds a look at the log goes back beyond the one before."""
PROBE_SECONDS = 3.0
"""What a question after liveness may take beside the answer: it is a process of its own."""


def specification(
    service: Service, port: int | None, environment: Mapping[str, str], world: World
) -> dict[str, object]:
    """How this service is to run on that port, with these variables: its keys are those of `Spec`."""
    return {
        "command": _to_run(service, world, environment),
        "cwd": service.cwd,
        "env": environment,
        "restart": service.restart,
        "stop_timeout": service.stop_timeout,
        "stop_signal": service.stop_signal,
        "needs": [name for name, _ in service.depends_on],
        "notify": service.health.kind == "notify",
        "watchdog": service.watchdog,
        "liveness": liveness_of(service, port, str(world.state.log(service.name))),
        "memory": service.memory_limit,
        **_reactions(service, port, world),
        "stop_command": service.stop_command,
        "hooks": dict(service.hooks),
        "hook_seconds": HOOK_SECONDS,
        "tmux": world.tmux_program,
        "shows_state": world.workspace.window_state,
        "port": port,
        "success_codes": service.success_codes,
        "one_shot": service.is_one_shot,
        "detached": service.detached,
        "service": service.name,
        "events": str(world.state.events),
        "nofile": service.nofile_limit,
        "inherited": world.inherited(),
    }


def _reactions(service: Service, port: int | None, world: World) -> dict[str, object]:
    """What the launcher does at changed files, and when another service restarts."""
    listens = service.watch or service.restart_with
    return {
        "orders": str(world.watcher_files("").orders(service.name)) if listens else None,
        "waits_for_change": bool(service.watch),
        "on_change": dict([service.on_change]) if service.on_change else None,
        "on_change_timeout": service.startup_timeout,
        "restart_with": service.restart_with,
        "called": service.common_name,
        "healthy": _healthy(service, port),
    }


def _to_run(service: Service, world: World, environment: Mapping[str, str]) -> str | list[str]:
    if isinstance(service.command, str):
        return world.runnable(service.command, service.cwd, environment.get("PATH"))
    return list(service.command)


def liveness_of(service: Service, port: int | None, log: str = "") -> dict[str, object] | None:
    """The command that asks whether it still answers, and how often."""
    check = service.liveness
    if check is None:
        return None
    grace = service.startup_timeout if service.liveness_grace is None else service.liveness_grace
    return {**_question(check, port, log), "interval": check.interval, "retries": check.retries, "grace": grace}


def _healthy(service: Service, port: int | None) -> dict[str, object]:
    """How the launcher sees that the service is healthy again, before it tells what restarts with it."""
    check, within = service.health, service.startup_timeout
    if check.kind == "notify":
        return {"notify": True, "within": within}
    is_asked = check.kind in ("http", "tcp", "command")
    return {"within": within, **(_question(check, port) if is_asked else {"after": UP_AFTER})}


def _question(check: Health, port: int | None, log: str = "") -> dict[str, object]:
    """The command that puts a check's question, and how long it may take."""
    if check.kind == "command":
        return {"command": check.target, "timeout": check.timeout}
    target = str(check.target or port)
    address = f"http://localhost:{port}{target}" if target.startswith("/") else target
    expected = [",".join(check.expect)] if check.kind == "http" else []
    words = [*PYTHON, str(SUPERVISOR / "probe.py"), check.kind, address, *expected, f"{check.timeout:g}"]
    if check.kind == "log":
        words = [*PYTHON, str(SUPERVISOR / "log_probe.py"), log, str(check.target), f"{check.interval + OVERLAP:g}"]
    return {"command": words, "timeout": check.timeout + PROBE_SECONDS}
