"""What fingers type: a service's name alone, and the flags that have a letter."""

from __future__ import annotations

import pytest
from invoke.parser.context import ParserContext
from invoke.parser.parser import Parser

from sentinel_tasks.tasks.declare import collection, root_of
from sentinel_tasks.tasks.declared import OwnTask


def parsed(*words: str) -> list[tuple[str, dict[str, object]]]:
    """The tasks and the flags that Invoke makes of these words."""
    root = root_of(collection("web"))
    initial = ParserContext()
    found = Parser(initial=initial, contexts=root.to_contexts()).parse_argv([*words])
    return [(root[each.name].name, {key: arg.value for key, arg in each.args.items()}) for each in found if each.name]


@pytest.mark.parametrize(
    ("words", "task", "flag", "value"),
    [
        ("web", "status", "json", False),
        ("web --json", "status", "json", True),
        ("web.logs -f", "logs", "follow", True),
        ("web.logs -n 7", "logs", "lines", "7"),
        ("logs -f", "logs", "follow", True),
        ("logs --grep a -v", "logs", "invert", True),
        ("web.logs --field a=1 --field b=2 -f", "logs", "field", ["a=1", "b=2"]),
        ("web.start -p auto", "start", "port", "auto"),
        ("web.stop -t 3", "stop", "timeout", "3"),
        ("up -t 60", "up", "timeout", "60"),
        ("wait -t 5", "wait", "timeout", "5"),
    ],
)
def test_what_fingers_type(words: str, task: str, flag: str, value: object) -> None:
    ((name, flags),) = parsed(*words.split())
    assert (name, flags[flag]) == (task, value)


def test_while_a_command_line_is_read_only_the_tasks_that_it_names_have_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Invoke asked each of a hundred tasks for its flags, and copied them, to list their names."""
    status, logs = collection("web").tasks["status"], collection("web").tasks["logs"]
    monkeypatch.setattr(OwnTask, "named", [logs])
    assert status.get_arguments() == []
    assert "lines" in [each.name for each in logs.get_arguments()]
    monkeypatch.setattr(OwnTask, "named", None)
    assert [each.name for each in status.get_arguments()] == ["json"]
