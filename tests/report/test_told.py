"""What a person is told of a service: only what is so. Each test is named after what somebody saw."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sentinel_tasks.engine.outcomes import report as reported
from sentinel_tasks.engine.outcomes import start_interrupted
from sentinel_tasks.model import Answer, Health, Report, Service, Typed
from sentinel_tasks.report import Style, as_json, details, outcome_line, status_page
from sentinel_tasks.report.phrases import to_an_answer
from sentinel_tasks.report.tables import table
from tests import facts
from tests.facts import ENDED_RUN, HEALTHY, holder, report, seen_alive, seen_ended, service, workspace

EMOJI = Style(emoji=True, colour=False)
OWN = (holder("ours", pid=4242),)
AT = "(pid 4242, window 2 of sentinel-app)"


def headline(told: Report) -> str:
    return status_page(told, EMOJI).splitlines()[2]


# Where it answers


def started(of: Service, **look: object) -> tuple[str, str | None]:
    """What a start says, and the address in its document."""
    told = report("running", seen_alive(**look), of, changed=True)
    return outcome_line(told, "started", EMOJI), as_json(told)["url"]


def test_url_of_a_worker_that_ran_already_proposed_to_start_it() -> None:
    worker = service("worker", title="worker", health=Health("up"))
    assert to_an_answer(report("running", seen_alive(), worker)) == "inv worker.status"
    assert to_an_answer(report("stopped", seen_ended(), worker)) == "inv worker.start"


def test_a_worker_that_listens_nowhere_was_started_at_an_address() -> None:
    worker = service("worker", title="worker", health=Health("up"))
    assert started(worker, answer=Answer(True, "it stays up")) == (f"✅ worker: started {AT}", None)
    told = report("running", seen_alive(answer=HEALTHY), worker)
    assert headline(told) == "✅ worker Status: Running (nothing listens on port 3000)"
    assert "3000" not in table([told], EMOJI)


@pytest.mark.parametrize("health", [Health("tcp"), Health("command", "redis-cli ping"), Health("log", "ready")])
def test_redis_postgres_and_smtp_were_started_at_http_addresses(health: Health) -> None:
    redis = service("redis", health=health)
    line, url = started(redis, answer=Answer(True, "exit 0", 1.5), holders=OWN, open_at=("127.0.0.1",))
    assert (line, url) == (f"✅ redis: started on port 3000 {AT}", None)


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/health", "http://localhost:3000"),
        ("https://localhost:3000/", "https://localhost:3000"),
        ("http://127.0.0.1:${PORT}/", "http://localhost:3000"),
        ("http://localhost:9000/health", None),
        ("https://example.org/up", None),
    ],
)
def test_the_address_is_where_http_was_answered(target: str, url: str | None) -> None:
    web = service("web", health=Health("http", target))
    line, found = started(web, answer=HEALTHY, holders=OWN)
    where = f"at {url}" if url else "on port 3000"
    assert (line, found) == (f"✅ web: started {where} {AT}", url)


def test_a_server_that_answers_no_http_yet_has_no_address() -> None:
    assert started(service("web"), answer=Answer(False, "ConnectError"), holders=OWN)[1] is None


# How it ended


def test_a_service_that_ended_by_itself_looked_as_after_a_stop() -> None:
    job = service("job", title="job", health=Health("up"), port=None)
    run = replace(ENDED_RUN, exit_code=0)
    told = reported(job, workspace(job), seen_ended(run=run, last_output=("working", "all done")))
    assert headline(told) == "❌ job Status: Stopped 2m ago: it ended by itself (exit 0): all done"
    assert status_page(told, EMOJI).count("by itself") == 1
    assert "it ended by itself (exit 0): all done" in table([told], EMOJI)
    assert as_json(told)["notes"] == ["it ended by itself (exit 0): all done"]
    after_a_stop = reported(job, workspace(job), seen_ended(run=replace(run, interrupted=True)))
    assert headline(after_a_stop) == "❌ job Status: Stopped 2m ago"
    closed = replace(run, interrupted=True, cause="its window was closed")
    assert headline(reported(job, workspace(job), seen_ended(run=closed))).endswith("ago: its window was closed")


# Titles


@pytest.mark.parametrize("title", ["Queue (high priority)", "API v2", "Dev\tserver\n№ 2"])
def test_a_title_was_cut_to_its_last_word(title: str) -> None:
    shown = " ".join(title.split())
    told = report("stopped", facts.seen(), service("q", title=title))
    assert headline(told) == f"❌ {shown} Status: Stopped"
    assert f"Start the {shown}" in status_page(told, EMOJI)


# Ctrl-C while a start waits

TELEMETRY, WEB = service(), service("web")


def test_what_keeps_starting_was_said_to_be_left_as_it_is() -> None:
    told = start_interrupted(workspace(TELEMETRY), [TELEMETRY], [])
    assert told.what == "interrupted; telemetry keeps starting in its window"
    assert told.hint == "inv telemetry.attach shows it, inv telemetry.stop stops it"


def test_what_was_not_started_yet_is_told_apart() -> None:
    told = start_interrupted(workspace(TELEMETRY, WEB), [TELEMETRY], [WEB])
    assert told.what == "interrupted; telemetry keeps starting in its window; not started: web"


def test_several_that_keep_starting_are_shown_and_stopped_by_one_command() -> None:
    told = start_interrupted(workspace(TELEMETRY, WEB), [TELEMETRY, WEB], [])
    assert told.what == "interrupted; telemetry, web keep starting in their windows"
    assert told.hint == "inv attach shows them, inv down --only telemetry,web stops them"
    unlisted = replace(workspace(TELEMETRY, WEB), typed=Typed(names={}))
    assert start_interrupted(unlisted, [TELEMETRY, WEB], []).hint == ""


def test_a_crash_after_a_line_of_megabytes_filled_the_terminal() -> None:
    told = replace(report("crashed", seen_ended()), tail=("x" * 1_000_000, "the end"), code=1)
    assert details(told, EMOJI)[1:3] == [f"   | {'x' * 1000}...", "   | the end"]
