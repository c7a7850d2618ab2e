"""The page of states and exit codes, from the vocabulary and the tree of errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from sentinel_tasks.errors import SentinelError
from sentinel_tasks.model import (
    STATES_HEALTHY,
    STATES_STARTED,
    STATUS_CODES,
    Relation,
    State,
)

NAME = "outcomes.md"
HEAD = """# States and exit codes

Made from the code by `make reference`; a test holds that it is current. What each state and code means for every task
is said in the contract: [States](../contract.md#states), [Exit codes](../contract.md#exit-codes).

## States

| state | exit code of `NAME.status` | a dependency on it is satisfied as |
|---|---|---|
"""
ERRORS = """
## Errors

A task that could not do its work ends with one of these. What was refused, or has crashed, is no error: the task did
its work and tells it, with exit code 1 or 4.

| error | exit code | means |
|---|---|---|
"""
RELATIONS = """
## Relations

Whose a listener on a service's port is, in `listener.relation` of the JSON ([Relations](../contract.md#relations)):
"""


def page() -> str:
    """The whole page."""
    relations = ", ".join(f"`{word}`" for word in get_args(Relation))
    return "".join([HEAD, *map(_state, get_args(State)), ERRORS, *_errors(SentinelError), f"{RELATIONS}{relations}.\n"])


def _state(state: State) -> str:
    conditions = {"started": STATES_STARTED, "healthy": STATES_HEALTHY, "completed": {"completed"}}
    satisfied = ", ".join(f"`{word}`" for word, states in conditions.items() if state in states)
    return f"| `{state}` | {STATUS_CODES[state]} | {satisfied} |\n"


def _errors(error: type[SentinelError]) -> Iterator[str]:
    for each in error.__subclasses__():
        meaning = re.split(r"[.;](?:\s|$)", each.__doc__ or "")[0].replace("\n", " ")
        yield f"| `{each.__name__}` | {each.exit_code} | {meaning} |\n"
        yield from _errors(each)
