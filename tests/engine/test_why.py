"""Why: on one screen what a person would look for in five places."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sentinel_tasks.config.digests import digests
from sentinel_tasks.engine.why import why
from sentinel_tasks.model import RanWell, Service
from sentinel_tasks.report import Style
from sentinel_tasks.report.why import why_document, why_page
from tests import facts
from tests.engine.histories import DB, OLD, WEB, ended, running, service, sick, stranger
from tests.facts import NOW
from tests.scripted import COMMIT, SALT, ScriptedWorld
from tests.turns import Fact

PLAIN = Style(emoji=False, colour=False)
NEEDY = service("web", 3000, depends_on=(("db", "healthy"),))
CHANGED = service("web", 3000, command=("node", "other.js"), env=(("DATABASE_URL", "x"),))
WELL = RanWell(NOW - 120, digests(WEB, SALT), COMMIT)
SINCE = "   last found healthy by a start 2m 0s ago"
NEVER = "   no start has found it healthy yet"
SCREENS: dict[str, tuple[Sequence[Fact], Sequence[Service], RanWell | None, list[str]]] = {
    "it never ran, and waits for another": (
        [], [NEEDY, DB], None,
        ["[x] web: stopped", "   waits for db (stopped)", NEVER, "   -- inv db.why", "   -- inv web.start"],
    ),
    "it runs as it did": (
        [running(**OLD)], [WEB], WELL,
        ["[ok] web: running on port 3000", "   port 3000: node (pid 201)", SINCE, "   nothing has changed since then",
         "   -- inv web.logs"],
    ),
    "it crashed after a change": (
        [ended(run={"exit_code": 3}, output=("one", "boom"), **OLD)], [CHANGED],
        RanWell(NOW - 120, WELL.digests, "dead" * 9),
        ["[x] web: crashed (exit 3) 0s ago: boom", SINCE,
         "   changed since then: command, env.DATABASE_URL, git commit deaddeadd -> c0ffeec0f",
         "   last output:", "   | one", "   | boom", "   -- inv web.logs"],
    ),
    "it is not healthy, though what it waits for is": (
        [sick(run={"began": NOW - 3600, "started": NOW - 3600}, **OLD), running(DB, **OLD)], [NEEDY, DB], None,
        ["[!] web: unhealthy on port 3000: HTTP 404 from http://localhost:3000/", "   port 3000: node (pid 201)", NEVER,
         "   -- inv web.logs"],
    ),
    "a stranger has its port": (
        [stranger()], [WEB], None,
        ["[!] web: conflict: port 3000 is held by node (pid 800), outside tmux, run from /elsewhere", NEVER,
         "   -- inv web.start --on-conflict takeover or inv web.start --port auto"],
    ),
}  # fmt: skip


def world_of(shown: Sequence[Fact], services: Sequence[Service], well: RanWell | None) -> ScriptedWorld:
    world = ScriptedWorld(facts.workspace(*services), {0: shown})
    if well is not None:
        world.ran_well["web"] = well
    return world


@pytest.mark.parametrize("name", SCREENS)
def test_why_tells_on_one_screen(name: str) -> None:
    shown, services, well, lines = SCREENS[name]
    found = why(world_of(shown, services, well), "web")
    told = [line.partition(" (19")[0] for line in why_page(found, PLAIN).splitlines()]
    assert told == lines


def test_why_as_json_names_the_cause_and_what_is_waited_for() -> None:
    document = why_document(why(world_of([stranger()], [NEEDY, DB], WELL), "web"))
    assert document["cause"] == "port 3000 is held by node (pid 800), outside tmux, run from /elsewhere"
    assert document["waits_for"] == [{"service": "db", "for": "healthy", "state": "stopped"}]
    assert (document["commit"], document["ran_well"]) == (COMMIT, {"time": NOW - 120, "commit": COMMIT})
