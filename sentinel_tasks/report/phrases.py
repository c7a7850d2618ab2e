"""Phrases that several rooms use: the command a person types, and how a run ended. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model import Observation, Report, Run, Service, Typed
from ..text.sanitize import last_line

OF_ALL = {"start": "up", "stop": "down", "status": "ps"}
"""The workspace's tasks that are called otherwise than those of a service."""

WITH_ONLY = ("up", "down", "logs", "restart", "attach", "wait")
NAMED = r"\{(doctor|ps)\}"
"""Tasks in the hints of errors, whose rooms do not know how they are typed."""


def command(service: Service, verb: str, typed: Typed) -> str:
    """What a person types for this service: its own task, else the workspace's with `--only`; empty if neither is."""
    if service.has_tasks and (own := typed.task(verb, service.name)):
        return own
    of_all = OF_ALL.get(verb, verb)
    if of_all == "ps":
        return typed.task("ps")
    together = typed.task(of_all) if of_all in WITH_ONLY else ""
    return f"{together} --only {service.name}" if together else ""


def to_an_answer(report: Report) -> str:
    """What a person types where a service answers nowhere: to start it, or to see why not if it runs."""
    is_up = report.seen.alive or report.state == "conflict"
    return command(report.service, "status" if is_up else "start", report.workspace.typed)


MOST_KEYS = 6
"""Changed keys that a sentence names; the others are counted."""


def changed_since_start(keys: Sequence[str]) -> str:
    """That a running service is configured otherwise now, and in what."""
    more = [f"{len(keys) - MOST_KEYS} more"] if len(keys) > MOST_KEYS else []
    return f"its configuration has changed since it was started: {', '.join([*keys[:MOST_KEYS], *more])}"


def doctor(typed: Typed) -> str:
    """What a person types for the doctor, which answers even where no task is listed."""
    return typed.task("doctor") or f"{typed.python} -m sentinel_tasks doctor"


def as_typed(hint: str, typed: Typed) -> str:
    """An error's hint with the tasks in it as they are typed here; empty if one of them is not listed."""
    known = {verb: doctor(typed) if verb == "doctor" else typed.task(verb) for verb in re.findall(NAMED, hint)}
    return re.sub(NAMED, lambda found: known[found[1]], hint) if all(known.values()) else ""


def ended(run: Run) -> str:
    """The end of a run in a phrase."""
    if run.error:
        return run.error
    if run.interrupted:
        return f"{run.cause or 'it was stopped'}{f' ({run.signal})' if run.signal else ''}"
    if run.ended is None or (run.exit_code is None and run.signal is None):
        return run.cause or "its launcher was killed"
    how = f"killed by {run.signal}" if run.signal else f"exit {run.exit_code}"
    return f"{how}: {run.cause}" if run.cause else how


def how_it_ended(seen: Observation) -> str:
    """How a service that is stopped came to its end, if no task of ours stopped it; else empty."""
    run = seen.run
    if run is None or run.ended is None or run.error:
        return ""
    if run.interrupted:
        return run.cause or ""
    last = last_line(seen.last_output)
    return f"it ended by itself ({ended(run)}){f': {last}' if last else ''}" if run.shell_code is not None else ""
