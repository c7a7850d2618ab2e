"""Which command lines are answered without Invoke."""

from __future__ import annotations

import pytest

from sentinel_tasks.cli.words import Call, parsed


def call(verb: str, *names: str, as_json: bool = False, **flags: object) -> Call:
    return Call(verb, names, as_json, flags)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("status web", call("status", "web")),
        ("status --json web", call("status", "web", as_json=True)),
        ("status", call("status")),
        ("ps --all --json", call("ps", as_json=True, everywhere=True)),
        ("logs web -f -n 20", call("logs", "web", follow=True, lines="20")),
        ("logs -f web api", call("logs", "web", "api", follow=True)),
        ("logs --only web,api --level=warn", call("logs", "web", "api", level="warn")),
        ("logs --field a=1 --field=b=2", call("logs", field=["a=1", "b=2"])),
        ("logs web --grep -x", call("logs", "web", grep="-x")),
        ("logs web web", call("logs", "web")),
        ("wait web --for stopped -t 5", call("wait", "web", goal="stopped", timeout="5")),
        ("url web", call("url", "web")),
        ("env-names web --json", call("env-names", "web", as_json=True)),
    ],
)
def test_what_is_told_without_invoke(line: str, wanted: Call) -> None:
    assert parsed(line.split()) == wanted


@pytest.mark.parametrize(
    "line",
    [
        "", "up", "start web", "--dry ps", "ps web", "ps --no-such-flag", "status web api", "url", "url a b",
        "web.status", "logs --lines", "status --help", "ps -h", "logs --follow=1", "env web",
    ],
)  # fmt: skip
def test_what_is_left_to_invoke(line: str) -> None:
    assert parsed(line.split()) is None
