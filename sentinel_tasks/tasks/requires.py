"""Services that a task of the user's needs: started before it, and ended after it if it wants them for itself alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import Task

from ..verbs.acting import open_world, show_outcome, stop_services
from ..verbs.console import Console
from .boundary import run

Body = Callable[..., Any]


def requires(*names: str, ephemeral: bool = False) -> Callable[[Any], Any]:
    """Has a task run only once these services are healthy, as `@requires("db", "web")` below or above `@task`.

    What does not run is started with all that it depends on; if that fails, the task does not run, and ends with that
    exit code. With `ephemeral` whatever was started for the task is ended after it, however it went; what ran before
    runs on.
    """

    def decorate(target: Any) -> Any:
        if isinstance(target, Task):
            target.body = _with_services(target.body, names, ephemeral)
            return target
        return _with_services(target, names, ephemeral)

    return decorate


def _with_services(body: Body, names: tuple[str, ...], ephemeral: bool) -> Body:
    @wraps(body)
    def with_services(c: Context, *args: Any, **kwargs: Any) -> Any:
        started: list[str] = []
        try:
            run(c, False, lambda console: _start(console, names, started))
            result = body(c, *args, **kwargs)
        except BaseException:
            _end(c, started if ephemeral else [], is_failing=True)
            raise
        _end(c, started if ephemeral else [], is_failing=False)
        return result

    return with_services


def _start(console: Console, names: tuple[str, ...], started: list[str]) -> int:
    """Starts them and what they need; notes which were not running before."""
    from ..engine.start import Options, start

    world, wanted = open_world(console, names, {})
    reports = start(world, wanted, Options(dry=console.dry))
    started += [report.service.name for report in reports if report.changed]
    return show_outcome(console, [report for report in reports if report.code or report.changed], "started", None)


def _end(c: Context, names: list[str], is_failing: bool) -> None:
    """Ends them; while the task fails already, its own failure is what counts."""
    if not names:
        return
    try:
        run(c, False, lambda console: stop_services(console, names, {}, together=True))
    except Exit:
        if not is_failing:
            raise
