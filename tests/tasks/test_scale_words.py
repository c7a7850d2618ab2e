"""`scale web=3 worker=2`: Invoke takes one word after a task, people type several."""

from __future__ import annotations

from typing import Any

import pytest
from invoke.collection import Collection
from invoke.tasks import Task

from sentinel_tasks.tasks.invoke_config import with_counts_as_one
from sentinel_tasks.tasks.workspace_tasks import workspace_tasks

TYPED = {
    "scale web=3": ["scale", "web=3"],
    "scale web=3 worker=2": ["scale", "web=3,worker=2"],
    "scale web=3,db=1 worker=2 ps": ["scale", "web=3,db=1,worker=2", "ps"],
    "scale web 3 --json": ["scale", "web,3", "--json"],
    "scale ps=2 ps": ["scale", "ps=2", "ps"],
    "scale ps": ["scale", "ps"],
    "scale --timeout 5 web=3 worker=2": ["scale", "--timeout", "5", "web=3,worker=2"],
    "scale --json web=3 worker=2 up --only web": ["scale", "--json", "web=3,worker=2", "up", "--only", "web"],
    "all.scale web=3 worker=2": ["all.scale", "web=3,worker=2"],
    "own a=1 b=2": ["own", "a=1", "b=2"],
    "up own a=1 b=2 scale a=1 b=2": ["up", "own", "a=1", "b=2", "scale", "a=1,b=2"],
    "other.scale a=1 b=2": ["other.scale", "a=1", "b=2"],
    "scale": ["scale"],
    "": [],
}


@pytest.mark.parametrize("typed", TYPED)
def test_what_follows_it_is_one_word(typed: str) -> None:
    """Not what follows another task, also where a project has one of this name."""
    own: Task[Any] = Task(lambda c, a, b: None, name="scale")
    tasks = Collection()
    for each in workspace_tasks():
        tasks.add_task(each)
    tasks.add_task(own, name="own")
    tasks.add_collection(Collection("all", next(each for each in workspace_tasks() if each.name == "scale")))
    tasks.add_collection(Collection("other", own))
    assert with_counts_as_one(typed.split(), tasks) == TYPED[typed]
