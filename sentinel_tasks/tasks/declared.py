"""What the tasks file has declared so far; the tasks read it when they run."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from inspect import Signature
from typing import TYPE_CHECKING, Any, ClassVar

from invoke.collection import Collection
from invoke.parser.argument import Argument
from invoke.tasks import Task

from ..errors import Problem

if TYPE_CHECKING:
    from ..model import Typed

SHORT = {"follow": "f", "lines": "n", "timeout": "t", "port": "p", "invert": "v"}
"""The flags that fingers know by a letter. Before a task's name such a letter is Invoke's own."""


class OwnArgument(Argument):
    """A flag of ours. Invoke copies those of every task in every call; nothing in them needs a copy of its own."""

    @classmethod
    def like(cls, other: Argument) -> OwnArgument:
        """The same flag."""
        new = cls.__new__(cls)
        new.__dict__.update(other.__dict__)
        return new

    def __deepcopy__(self, memo: object) -> OwnArgument:
        return self.like(self)


class OwnTask(Task[Any]):
    """A task of ours: what it does (`verb`), for which `service` (empty for the whole workspace).

    It is equal to no other service's: of two equal tasks Invoke would run only the first. `named` are the tasks of the
    command line that Invoke reads just now; None at any other time.
    """

    service = verb = ""
    named: ClassVar[list[object] | None] = None
    _signature: Signature | None = None

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.service == getattr(other, "service", None)

    __hash__ = Task.__hash__

    def __deepcopy__(self, memo: object) -> OwnTask:
        """A copy as deep as it must be: Invoke takes the help texts out of one as it reads them."""
        new = copy(self)
        new.help = dict(self.help)
        return new

    def argspec(self, body: Callable[..., Any]) -> Signature:
        """The signature of its body, read once: Invoke asks for it several times, in every call for every task."""
        if self._signature is None:
            self._signature = super().argspec(body)
        return self._signature

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Its flags; those of `SHORT` have their letter, which Invoke would give to the first that begins so.

        While Invoke reads a command line that does not name this task it has none: each takes Invoke's time.
        """
        if self.named is not None and not any(each is self for each in self.named):
            return []
        found = [OwnArgument.like(each) for each in super().get_arguments(ignore_unknown_help)]
        for each in found:
            each.names = (*each.names, *SHORT.get(each.names[0], ()))
        return [*found]


def tasks_named(tasks: list[object] | None) -> None:
    """Takes note of the tasks that the command line names; None once Invoke has read it.

    As Python ends it looks through all objects for garbage, for a fifth of a short task's time. It does not where only
    our tasks run: what a person's task leaves, such as a file that was not closed, is found as ever.
    """
    OwnTask.named = tasks
    if tasks is not None and all(isinstance(each, OwnTask) and not (each.pre or each.post) for each in tasks):
        atexit.register(gc.freeze)


def services_below(collection: Collection) -> Iterator[str]:
    """The services whose tasks are in that Collection, or in one inside it."""
    yield from (each.service for each in collection.tasks.values() if isinstance(each, OwnTask) and each.service)
    for inner in collection.collections.values():
        yield from services_below(inner)


class Declared:
    """What the tasks file declared: settings by service, root Collections, problems, and notes on a Procfile's.

    `workspaces` are the Collections that have the workspace's tasks, `configured` the services that only the
    configuration names, and that got tasks by that. Our own program tells how tasks are `typed` there, that there is no
    tasks file (`is_without_file`), and that it will ask for the same again (`is_asked_again`).
    """

    def __init__(self) -> None:
        self.settings: dict[str, Mapping[str, Any]] = {}
        self.roots: list[Collection] = []
        self.workspaces: list[Collection] = []
        self.configured: set[str] = set()
        self.problems: list[Problem] = []
        self.of_procfile: dict[str, str] = {}
        self.typed: Typed | None = None
        self.is_without_file = self.is_asked_again = False

    def members(self) -> dict[str, Mapping[str, Any]]:
        """The workspace's services: those below what `workspace(...)` returned, or, if it was not called, all."""
        names = [name for root in self.roots for name in services_below(root)] if self.roots else self.settings
        return {name: self.settings[name] for name in names if name not in self.configured}


declared = Declared()
