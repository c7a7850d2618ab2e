"""Phrases that several rooms use: the command a person types, and how a run ended. Pure."""

from __future__ import annotations

from ..model import Run, Service


def command(service: Service, verb: str) -> str:
    """What a person types for this service: its own task, or the workspace's with `--only`."""
    if service.has_tasks:
        return f"inv {service.name}.{service.verb if verb == 'start' else verb}"
    if verb == "status":
        return "inv ps"
    return f"inv {({'start': 'up', 'stop': 'down'}).get(verb, verb)} --only {service.name}"


def ended(run: Run) -> str:
    """The end of a run in a phrase."""
    if run.error:
        return run.error
    if run.ended is None:
        return "its launcher was killed"
    if run.interrupted:
        return f"it was stopped{f' ({run.signal})' if run.signal else ''}"
    return f"killed by {run.signal}" if run.signal else f"exit {run.exit_code}"
