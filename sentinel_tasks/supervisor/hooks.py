"""Commands that are told what becomes of the service: once it is ready, when it has crashed, after it was stopped.

Nothing of them is a part of the service, and nothing that goes wrong with them matters to it.
"""

from __future__ import annotations

from .child import outcome
from .commands import last_line
from .record import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .commands import Commands
    from .record import Events, Record

MOST_LINES = 20
"""So many of what one printed are shown."""


class Hooks:
    """The hooks of one launch; without any nothing is ever run."""

    def __init__(self, spec: Mapping[str, Any], commands: Commands, record: Record, events: Events) -> None:
        self._hooks, self._commands, self._record, self._events = spec.get("hooks") or {}, commands, record, events
        self._running, self._port, self._seconds = 0, spec.get("port"), spec.get("hook_seconds", 0.0)
        if "ready" in self._hooks:
            record.facts["awaits_ready"] = True

    @property
    def are_there(self) -> bool:
        """True if there is any."""
        return bool(self._hooks)

    @property
    def are_running(self) -> bool:
        """True until the last of them has ended."""
        return self._running > 0

    def note_ready(self) -> None:
        """A task has found the service healthy, of which a launch has one hook told."""
        if self._record.facts.get("awaits_ready"):
            self._record.note(awaits_ready=False)
            self.run("ready")

    def run(self, event: str, why: str = "", code: int | None = None) -> None:
        """Starts the hook of this event, if there is one; how the run ended, for those that follow an end."""
        if event in self._hooks:
            self._running += 1
            told = lambda code, said: self._ended(event, code, said)  # noqa: E731
            variables = {**self._commands.spec["env"], **self._facts(event, why, code)}
            self._commands.start(self._hooks[event], self._seconds, told, is_shown=False, env=variables)

    def _facts(self, event: str, why: str, code: int | None) -> dict[str, str]:
        known = self._record.facts
        facts: dict[str, object] = {"EVENT": event, "CAUSE": why, "PORT": self._port}
        facts |= {"EXIT_CODE": code if code is None or code >= 0 else None}
        facts |= {"SIGNAL": known.get("signal"), "PID": known.get("pid"), "RESTARTS": known.get("restarts", 0)}
        return {f"SENTINEL_{name}": "" if fact is None else str(fact) for name, fact in facts.items()}

    def _ended(self, event: str, code: int | None, said: str) -> None:
        self._running -= 1
        for line in said.splitlines()[-MOST_LINES:]:
            say(f"{event} hook: {line}")
        known = self._record.facts.get("hooks")
        failures = dict(known) if isinstance(known, dict) else {}
        before = failures.pop(event, "")
        if code != 0:
            failures[event] = self._failure(event, code, last_line(said))
        if failures.get(event, "") != before:
            self._record.note(hooks=failures)

    def _failure(self, event: str, code: int | None, said: str) -> str:
        how = f"took more than {self._seconds:g} s and was ended" if code is None else f"failed ({outcome(code)})"
        why = f"its {event} hook {how}"
        say(why)
        told = f"{why}: {said}" if said else why
        self._events.write("hook", None, told)
        return told
