"""A server that listens on another port than its own was named after 30 s, without a word of what to do."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.decisions.decide import Watch, decide
from sentinel_tasks.decisions.other_port import CERTAIN_AFTER, is_certain, remedy
from sentinel_tasks.lineage.process import Process
from sentinel_tasks.model import Fail, Identity, Observation, Wait
from tests.facts import LISTENER, MAIN, process, seen_alive, service

PORT_KEY = "sentinel.services.web.port: 5173"
CHILD, SIBLING = process(4300, 4242), process(4301, 4242)


def elsewhere(
    command: str | None, *ports: str, by: Process = MAIN, family: tuple[Process, ...] = (MAIN,)
) -> Observation:
    listener = replace(LISTENER, command=command, identity=Identity(by.pid, by.ticks))
    return seen_alive(elsewhere=ports or ("5173",), elsewhere_by=(listener,), family=family)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("npx vite", f"{PORT_KEY}, or --port $PORT --strictPort in its command"),
        ("cd web && node_modules/.bin/next dev", f"{PORT_KEY}, or -p $PORT in its command"),
        ("node node_modules/vite/bin/vite.js", f"{PORT_KEY}, or --port $PORT --strictPort in its command"),
        (("uvicorn", "app:app"), f"{PORT_KEY}, or --port $PORT in its command"),
        ("python manage.py runserver", f"{PORT_KEY}, or 127.0.0.1:$PORT in its command"),
        (("python3", "-m", "http.server"), f"{PORT_KEY}, or $PORT in its command"),
        ("node server.js", f"{PORT_KEY}, or let it listen on $PORT"),
        ("php artisan serve", f"{PORT_KEY}, or let it listen on $PORT"),
        ("vue-cli-service serve", f"{PORT_KEY}, or let it listen on $PORT"),
    ],
)
def test_the_key_and_the_flag_of_the_tool_are_told(command: str | tuple[str, ...], told: str) -> None:
    assert remedy(service("web", command=command), elsewhere(None)) == told


def test_the_tool_is_known_also_behind_a_package_manager() -> None:
    found = elsewhere("node /app/node_modules/.bin/vite")
    assert remedy(service("dev", command="npm run dev"), found).endswith("or --port $PORT --strictPort in its command")


def test_several_ports_are_all_named() -> None:
    assert remedy(service("web"), elsewhere(None, "5173", "9229")).startswith(
        "sentinel.services.web.port: 5173 or 9229,"
    )


def test_another_address_needs_another_remedy() -> None:
    assert remedy(service("web"), elsewhere(None, "10.0.0.5:3000")) == "let it listen on localhost"


@pytest.mark.parametrize(
    ("found", "certain"),
    [
        (elsewhere("node /app/node_modules/.bin/vite"), True),
        (elsewhere("redis-server *:6379"), True),
        (elsewhere("vite", by=CHILD, family=(MAIN, CHILD, process(4400, 4300))), True),
        (elsewhere("vite", by=CHILD, family=(MAIN, CHILD, SIBLING)), False),
        (elsewhere("vite", "10.0.0.5:3000"), False),
        (elsewhere("wrangler dev"), False),
        (elsewhere("node server.js"), False),
        (elsewhere(None), False),
        (seen_alive(), False),
    ],
    ids=["vite", "redis", "above and below", "beside it", "its own port", "of two ports", "any", "unseen", "nowhere"],
)
def test_only_a_server_of_one_port_with_nothing_beside_it_is_certain_not_to_come(
    found: Observation, certain: bool
) -> None:
    assert is_certain(found) is certain


@pytest.mark.parametrize(("seconds", "action"), [(0.0, Wait()), (CERTAIN_AFTER, Fail("other-port"))])
def test_what_is_certain_is_told_at_once(seconds: float, action: object) -> None:
    """It was told when its time was over, after 30 s."""
    assert decide(service("web"), elsewhere("vite"), Watch(launched="L1", elsewhere_for=seconds)) == action
