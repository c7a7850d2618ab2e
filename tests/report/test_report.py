"""One report, drawn as words, as a table and as JSON (contract: Tasks, Documents)."""

from __future__ import annotations

import io
import json
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sentinel_tasks.model import Answer, Health, Observation, Progress, Report, State
from sentinel_tasks.report import (
    Style,
    as_json,
    details,
    dumps,
    dumps_in_pieces,
    dumps_line,
    outcome_line,
    status_page,
    style_of,
)
from sentinel_tasks.report.live import Live, fitting
from sentinel_tasks.report.tables import table, workers_table
from tests.facts import (
    ENDED_RUN,
    HEALTHY,
    NOW,
    OWN_RUN,
    foreign_pane,
    holder,
    listener,
    pane,
    report,
    seen,
    seen_alive,
    seen_ended,
    service,
)

LOCALHOST = ("127.0.0.1",)
EMOJI, ASCII = Style(emoji=True, colour=False), Style(emoji=False, colour=False)
COLOURED = Style(emoji=False, colour=True)
STATES: tuple[State, ...] = get_args(State)


def running_look(**keys: Any) -> Observation:
    process = listener().identity
    assert process is not None
    own = holder("ours", pid=4242)
    given: dict[str, Any] = {
        "pane": pane(session="sentinel-APPENDIX"),
        "rss_bytes": 88_080_384,
        "answer": Answer(True, "200", 1.2, 47),
        "holders": (replace(own, listener=replace(own.listener, name="bun")),),
    }
    return seen_alive(**{**given, **keys})


RUNNING = report("running", running_look())


def ended_report(state: State, error: str | None = None, **facts: Any) -> Report:
    run = replace(ENDED_RUN, **{"ended": NOW - 125, **facts})
    return report(state, seen_ended(run=run), error=error)


def headline(told: Report, style: Style = EMOJI) -> str:
    return status_page(told, style).splitlines()[2]


# The page


def test_page_of_the_spec_letter_by_letter() -> None:
    assert (
        status_page(RUNNING, EMOJI)
        == """\
📊 Worker Telemetry API Status
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
✅ API Status: Running on port 3000
👷 Workers: 47

📦 tmux Session: sentinel-APPENDIX
✅ Session exists
✅ Telemetry window exists (window 2)
✅ Process is running in tmux (pid 4242, up 3m 12s, 84 MiB)

💡 Commands:
  inv telemetry.attach  - Attach to telemetry window
  inv telemetry.logs    - View recent logs
  inv telemetry.stop    - Stop the API"""
    )


def test_page_where_the_locale_is_not_utf_8_is_ascii_and_keeps_the_shape() -> None:
    page = status_page(RUNNING, ASCII)
    assert page.isascii()
    assert page.splitlines()[:4] == [
        "== Worker Telemetry API Status",
        "-" * 40,
        "[ok] API Status: Running on port 3000",
        "- Workers: 47",
    ]
    assert len(page.splitlines()) == len(status_page(RUNNING, EMOJI).splitlines())


@pytest.mark.parametrize("style", [EMOJI, ASCII, COLOURED])
@pytest.mark.parametrize("look", [seen(), seen_alive(), seen_ended(), running_look()])
def test_every_state_keeps_the_shape_whatever_was_seen(style: Style, look: Observation) -> None:
    for state in STATES:
        lines = status_page(report(state, look, error="why: it is so", hint="inv telemetry.start"), style).splitlines()
        assert lines[0].endswith(" Worker Telemetry API Status"), state
        assert f" API Status: {state.capitalize()}" in lines[2]
        assert any("tmux Session: " in line for line in lines), state
        assert any("Commands:" in line for line in lines), state


def test_crash_of_the_spec() -> None:
    told = ended_report("crashed", "exit 127: sh: 1: bun: not found", exit_code=127)
    assert headline(told) == "❌ API Status: Crashed (exit 127) 2m ago: sh: 1: bun: not found"


def test_crash_by_a_signal_without_a_word() -> None:
    told = ended_report("crashed", "killed by SIGKILL", exit_code=None, signal="SIGKILL")
    assert headline(told) == "❌ API Status: Crashed (SIGKILL) 2m ago"


def test_crash_of_the_launcher() -> None:
    told = report("crashed", seen_ended(run=OWN_RUN), error="its launcher was killed")
    assert headline(told) == "❌ API Status: Crashed (its launcher was killed)"


def test_start_that_was_broken_off_has_no_exit_code() -> None:
    run = replace(ENDED_RUN, ended=NOW - 125, exit_code=None, error="its start was broken off")
    told = report("crashed", seen_ended(run=run), error="its start was broken off")
    assert headline(told) == "❌ API Status: Crashed (not started) 2m ago"


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (report("starting", seen_alive()), "⏳ API Status: Starting"),
        (
            report("starting", seen_alive(open_at=LOCALHOST, answer=Answer(False, "HTTP 503"))),
            "⏳ API Status: Starting on port 3000 (HTTP 503)",
        ),
        (
            report(
                "unhealthy", seen_alive(open_at=LOCALHOST), error="not healthy: HTTP 500 from http://localhost:3000/"
            ),
            "⚠️ API Status: Unhealthy on port 3000: HTTP 500 from http://localhost:3000/",
        ),
        (report("unhealthy", seen_alive()), "⚠️ API Status: Unhealthy: no answer"),
        (report("stopped", seen()), "❌ API Status: Stopped"),
        (ended_report("stopped", interrupted=True), "❌ API Status: Stopped 2m ago"),
        (ended_report("stopped"), "❌ API Status: Stopped 2m ago: it ended by itself (exit 1)"),
        (ended_report("completed", exit_code=0), "✅ API Status: Completed 2m ago"),
        (
            report("conflict", seen(), error="port 3000 is held by node (pid 7)"),
            "⚠️ API Status: Conflict: port 3000 is held by node (pid 7)",
        ),
        (report("running", running_look(port=None)), "✅ API Status: Running"),
    ],
)
def test_headlines(told: Report, line: str) -> None:
    assert headline(told) == line


def test_restarts_are_told_with_how_it_ended_before() -> None:
    again = replace(OWN_RUN, restarts=1, last_exit="exit 3")
    page = status_page(report("running", running_look(run=again)), EMOJI)
    assert "(pid 4242, up 3m 12s, 84 MiB, 1 restart, last after exit 3)" in page
    paused = replace(ENDED_RUN, next_start=NOW + 3, restarts=2, last_exit="exit 3")
    waits = report("starting", seen_alive(run=paused, family=()))
    assert "Process is not running yet (2 restarts, last after exit 3)" in status_page(waits, EMOJI)
    assert "2 restarts, last after exit 3" in table([waits], EMOJI)


def test_service_that_was_never_started() -> None:
    assert status_page(report("stopped", seen()), EMOJI).splitlines()[3:] == [
        "",
        "📦 tmux Session: sentinel-app",
        "❌ Session does not exist",
        "",
        "💡 Commands:",
        "  inv telemetry.activate  - Start the API",
        "  inv telemetry.logs      - View recent logs",
    ]


def test_dead_window_and_no_window() -> None:
    assert "❌ Process is not running" in status_page(ended_report("stopped"), EMOJI)
    without = report("stopped", seen(session_exists=True))
    assert "✅ Session exists\n❌ Telemetry window does not exist" in status_page(without, EMOJI)


def test_real_window_index_is_shown() -> None:
    moved = report("running", running_look(pane=pane(index=7, session="sentinel-APPENDIX")))
    assert "window exists (window 7)" in status_page(moved, EMOJI)
    away = report("running", running_look(pane=pane(index=7, session="work"), session_exists=False))
    assert "tmux Session: work\n✅ Session exists\n✅ Telemetry window exists (window 7)" in status_page(away, EMOJI)


def test_conflict_shows_the_ways_on() -> None:
    told = report("conflict", seen(), error="held", hint="inv telemetry.activate --port auto")
    assert "💡 Commands:\n  inv telemetry.activate --port auto" in status_page(told, EMOJI)


def test_service_without_tasks_of_its_own_is_given_no_commands_that_do_not_exist() -> None:
    told = report("stopped", seen(), service("web", title="web", has_tasks=False))
    assert "inv web." not in status_page(told, EMOJI)


@pytest.mark.parametrize("title", ["two\nlines", "\x1b[2Jclear", " ", "\u2028"])
def test_title_forges_no_line_and_drives_no_terminal(title: str) -> None:
    page = status_page(report("running", running_look(), service(title=title)), EMOJI)
    assert len(page.splitlines()) == len(status_page(RUNNING, EMOJI).splitlines())
    assert "\x1b" not in page


def test_colour_is_used_for_marks_where_there_is_no_emoji() -> None:
    assert "\x1b[32m[ok]\x1b[0m API Status" in status_page(RUNNING, COLOURED)
    assert "\x1b[31m[x]\x1b[0m" in status_page(report("stopped", seen()), COLOURED)
    assert "\x1b" not in status_page(RUNNING, Style(emoji=True, colour=False))


def test_summary_of_the_workers() -> None:
    answer = Answer(True, "200", 1.2, 47, (("idle", 40), ("working", 7), ("error", 0)))
    page = status_page(report("running", running_look(answer=answer)), EMOJI)
    assert "👷 Workers: 47 (40 idle, 7 working, 0 error)" in page


# What a stream can show


class Stream(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "environ", "colour"),
    [
        (True, {}, True),
        (True, {"TERM": "xterm"}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (False, {}, False),
        (False, {"FORCE_COLOR": "1"}, True),
        (False, {"FORCE_COLOR": "0"}, False),
        (False, {"FORCE_COLOR": ""}, False),
        (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (True, {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_colour(terminal: bool, environ: dict[str, str], colour: bool) -> None:
    assert style_of(Stream(terminal), environ).colour is colour


@pytest.mark.parametrize(
    ("environ", "emoji"),
    [
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "C.utf8"}, True),
        ({"LC_CTYPE": "UTF-8"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "en_US.UTF-8"}, True),
        ({"LC_CTYPE": "C", "LANG": "en_US.UTF-8"}, False),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "C"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "POSIX", "LC_CTYPE": "C.UTF-8"}, False),
        ({"LANG": "sr_RS.UTF-8@latin"}, True),
        ({}, False),
    ],
)
def test_emoji_wherever_the_locale_is_utf_8(environ: dict[str, str], emoji: bool) -> None:
    assert style_of(Stream(True), environ).emoji is emoji


# JSON

KEYS = [
    "service", "state", "workspace", "session", "window", "pid", "port", "url", "health", "workers", "uptime_s",
    "rss_bytes", "exit_code", "signal", "listener", "log", "error",
]  # fmt: skip
BESIDE_THE_CONTRACT = {
    "summary", "restarts", "last_exit", "reaction", "watched", "leases", "notes", "config", "config_changes",
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("look", [seen(), seen_alive(), seen_ended(), running_look()])
def test_keys_of_the_spec_in_its_order_whatever_the_state(state: State, look: Observation) -> None:
    document = as_json(report(state, look))
    assert [key for key in document if key not in BESIDE_THE_CONTRACT] == KEYS
    assert json.loads(dumps(document)) == document
    assert dumps(document).isascii()
    assert "\n" not in dumps_line(document)


def test_document_of_the_spec() -> None:
    document = as_json(RUNNING)
    assert {key: document[key] for key in KEYS} == {
        "service": "telemetry",
        "state": "running",
        "workspace": "/home/ann/app",
        "session": "sentinel-APPENDIX",
        "window": {"index": 2, "name": "📡 telemetry", "id": "@3"},
        "pid": 4242,
        "port": 3000,
        "url": "http://localhost:3000",
        "health": {"ok": True, "detail": "200", "latency_ms": 1.2},
        "workers": 47,
        "uptime_s": 192.4,
        "rss_bytes": 88_080_384,
        "exit_code": None,
        "signal": None,
        "listener": {"pid": 4242, "name": "bun", "relation": "ours"},
        "log": "/state/app/telemetry.log",
        "error": None,
    }


def test_what_does_not_apply_is_null() -> None:
    document = as_json(report("stopped", seen(port=None), service(port=None)))
    null = {key for key in KEYS if document[key] is None}
    assert null == set(KEYS) - {"service", "state", "workspace", "log"}


def test_end_is_told_by_code_or_by_signal() -> None:
    crashed = as_json(ended_report("crashed", exit_code=127))
    assert (crashed["exit_code"], crashed["signal"], crashed["uptime_s"], crashed["pid"]) == (127, None, None, None)
    killed = as_json(ended_report("crashed", exit_code=None, signal="SIGKILL"))
    assert (killed["exit_code"], killed["signal"]) == (None, "SIGKILL")


def test_cause_of_a_start_that_failed_is_in_its_document() -> None:
    """The page shows the last lines below the error; a script was told `exit 3` and nothing else."""
    failed = report(
        "crashed", seen_ended(), code=1, error="ended while starting: exit 3", tail=("no database", "", " ")
    )
    assert as_json(failed)["error"] == "ended while starting: exit 3; last output: no database"
    assert as_json(replace(failed, tail=("",)))["error"] == "ended while starting: exit 3"
    assert len(as_json(replace(failed, tail=("x" * 5000,)))["error"]) < 500


def test_changed_is_told_by_tasks_that_change() -> None:
    assert "changed" not in as_json(RUNNING)
    assert as_json(replace(RUNNING, changed=True))["changed"] is True
    assert list(as_json(replace(RUNNING, changed=False)))[-1] == "changed"


def test_adopted_process_is_the_pid() -> None:
    by_hand = holder("adopted", pid=777, pane=foreign_pane())
    told = report("running", seen(session_exists=True, holders=(by_hand,), answer=HEALTHY, run=ENDED_RUN))
    document = as_json(told)
    assert (document["pid"], document["listener"]["relation"]) == (777, "adopted")
    assert document["exit_code"] is None
    assert status_page(told, EMOJI).endswith("💡 Commands:\n  inv telemetry.attach  - Attach to telemetry window")


def test_listener_that_can_not_be_seen() -> None:
    unseen = replace(holder("unknown"), listener=listener(identity=None, name=None))
    document = as_json(report("conflict", seen(holders=(unseen,))))
    assert document["listener"] == {"pid": None, "name": None, "relation": "unknown"}


# One line


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (
            replace(RUNNING, changed=True),
            "✅ telemetry: started at http://localhost:3000 (pid 4242, window 2 of sentinel-APPENDIX)",
        ),
        (
            replace(RUNNING, changed=False),
            "✅ telemetry: already running at http://localhost:3000 (pid 4242, window 2 of sentinel-APPENDIX)",
        ),
        (report("stopped", seen(), changed=False), "✅ telemetry: not running"),
        (report("stopped", seen_ended(), changed=True), "✅ telemetry: started"),
        (
            report("crashed", seen_ended(), code=1, error="ended while starting: exit 1"),
            "❌ telemetry: ended while starting: exit 1",
        ),
        (report("conflict", seen(), code=4), "❌ telemetry: conflict"),
    ],
)
def test_outcome(told: Report, line: str) -> None:
    assert outcome_line(told, "started", EMOJI) == line


def test_outcome_of_a_service_asked_by_https() -> None:
    secure = service(health=Health("http", "https://localhost:3000/"))
    assert "https://localhost:3000" in outcome_line(report("running", running_look(), secure), "started", EMOJI)


def test_error_forges_no_line() -> None:
    told = report("crashed", seen_ended(), code=1, error="one\n✅ telemetry: started\x1b[2J")
    assert outcome_line(told, "started", EMOJI) == "❌ telemetry: one ✅ telemetry: started"


def test_details_have_notes_last_output_and_the_way_on() -> None:
    told = report("crashed", seen_ended(), code=1, notes=("a note",), tail=("one", "two"), hint="inv telemetry.logs")
    assert details(told, EMOJI) == [
        "   a note",
        "   last output:",
        "   | one",
        "   | two",
        "   💡 inv telemetry.logs",
    ]
    assert details(replace(told, code=0, notes=(), tail=()), EMOJI) == []


# ps


def test_table() -> None:
    reports = [
        RUNNING,
        report("stopped", seen(port=None), service("mail", port=None)),
        report("crashed", seen_ended(), service("my-long-name"), error="exit 1: no such table"),
    ]
    assert table(reports, EMOJI).splitlines() == [
        "SERVICE        STATE     PORT   PID    UP       MEMORY   WINDOW",
        "telemetry      running   3000   4242   3m 12s   84 MiB   2",
        "mail           stopped   -      -      -        -        -",
        "my-long-name   crashed   3000   -      -        -        2        exit 1: no such table",
    ]


def test_table_in_colour_has_the_same_columns() -> None:
    reports = [RUNNING, report("stopped", seen(), service("mail"))]
    coloured = table(reports, COLOURED)
    assert re.sub(r"\x1b\[\d+m", "", coloured) == table(reports, ASCII)
    assert len(set(re.findall(r"\x1b\[3\dm", coloured))) == 2


def test_table_of_nothing() -> None:
    assert table([], EMOJI).split() == ["SERVICE", "STATE", "PORT", "PID", "UP", "MEMORY", "WINDOW"]


@pytest.mark.parametrize("worker", [{}, {"id": "w\n1", "resource_usage": 5}, {"resource_usage": {"rss_mb": 1.5}}])
def test_table_of_workers_takes_whatever_a_worker_tells(worker: dict[str, Any]) -> None:
    assert len(workers_table([worker], EMOJI).splitlines()) == 2


# While waiting

WAITING = Progress(service(), "starting", 1.25, 30.0, lambda: "compiling\x1b[2J")


def test_live_lines_are_drawn_over_and_leave_no_trace() -> None:
    stream = Stream(True)
    live = Live(stream, Style(emoji=True, colour=False, live=True))
    live.show([WAITING])
    assert "telemetry: starting 1.2 of 30 s  compiling\x1b[K\n" in stream.getvalue()
    live.show([WAITING])
    assert stream.getvalue().count("\x1b[1A\r") == 1
    live.clear()
    assert stream.getvalue().endswith("\x1b[1A\r\x1b[K\n\x1b[1A\r")
    said = stream.getvalue()
    live.clear()
    assert stream.getvalue() == said


@given(st.lists(st.text("ab⏳漢 ", max_size=50), max_size=30), st.integers(1, 60), st.integers(1, 20))
def test_live_lines_never_wrap_or_scroll(lines: list[str], columns: int, rows: int) -> None:
    shown = fitting(lines, columns, rows)
    assert len(shown) <= max(1, rows - 1)
    wide = [sum(2 if each in "⏳漢" else 1 for each in line) for line in shown]
    assert all(width <= max(10, columns - 1) for width in wide)
    assert len(lines) == len(shown) or f"and {len(lines) - len(shown) + 1} more"[:6] in shown[-1]


def test_off_a_terminal_it_is_said_once() -> None:
    stream = Stream(False)
    live = Live(stream, ASCII)
    for _ in range(3):
        live.show([WAITING])
    assert stream.getvalue() == "... telemetry: starting, for up to 30 s\n"
    live.clear()
    assert "\x1b" not in stream.getvalue()


@given(st.lists(st.text()))
def test_document_in_pieces_is_the_same_as_at_once(texts: list[str]) -> None:
    whole = {"service": None, "lines": texts, "cut": 0, "times": [None, 1.5]}
    pieces = dumps_in_pieces({"service": None}, "lines", iter(texts), lambda: {"cut": 0, "times": [None, 1.5]})
    assert "".join(pieces) == dumps(whole)
