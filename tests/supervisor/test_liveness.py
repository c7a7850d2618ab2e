"""A service that no longer answers is ended as a failure, by its launcher alone."""

from __future__ import annotations

import http.server
import socket
import sys
import threading
from typing import Any

import pytest

from sentinel_tasks.engine.specification import liveness_of
from sentinel_tasks.model import Health
from sentinel_tasks.supervisor import probe
from sentinel_tasks.supervisor.commands import Commands
from sentinel_tasks.supervisor.family import Family
from sentinel_tasks.supervisor.liveness import Liveness
from tests.facts import service
from tests.lab import PATIENCE, free_port, until

from .launched import READY, Piped

SICK = "trap 'rm sick; echo asked; exit 0' INT; echo ready; touch sick; while :; do sleep 0.02; done"
NO_WAKEUP: Any = None
ASKED: dict[str, Any] = {"interval": 0.05, "timeout": PATIENCE, "retries": 2, "grace": 0.01}


def check(command: str | list[str], **keys: Any) -> dict[str, Any]:
    return {"command": command, **ASKED, **keys}


def check_of_the_sick(command: str, **keys: Any) -> dict[str, Any]:
    """It fails once the service has come so far that it can be asked to end."""
    return check(f"test ! -e sick || {{ {command}; }}", **keys)


# What the launcher does


def test_service_that_no_longer_answers_is_ended_as_a_failure_and_started_again(launched: Piped) -> None:
    """With exit code 0, too: it was asked to end because it failed."""
    command = "if [ -e again ]; then echo twice; exit 5; fi; touch again; " + SICK
    launched.give(command, restart="on-failure", liveness=check_of_the_sick("echo no pong; exit 1"), success_codes=[5])
    assert launched.end() == 5
    why = "it no longer answered (2 times): no pong"
    assert launched.events() == ["start", "crash", "restart", "stop"]
    assert launched.reasons()[1] == f"{why} (exit 0)"
    assert (launched.told.restarts, launched.told.last_exit, launched.told.cause) == (1, why, None)
    assert b"asked" in launched.said
    assert b"sentinel: it no longer answered" in launched.said


def test_service_that_no_longer_answers_has_crashed_without_a_restart_policy(launched: Piped) -> None:
    launched.give(SICK, liveness=check_of_the_sick("false"))
    assert launched.end() == 0
    assert (launched.told.cause, launched.told.interrupted) == ("it no longer answered (2 times): exit 1", False)
    assert not service().ends_well(launched.told)


def test_question_that_hangs_counts_and_leaves_nothing_behind(launched: Piped) -> None:
    launched.give(SICK, liveness=check_of_the_sick("sleep 86400 & sleep 86400", timeout=0.1, retries=1))
    launched.end()
    assert launched.told.cause == "it no longer answered (1 times): no answer in 0.1 s"
    until(lambda: not launched.marked())


def test_questions_are_no_part_of_the_service(launched: Piped) -> None:
    """It is not taken for one that went into the background while a question was asked."""
    launched.give(f"{READY}until [ -e asked ]; do sleep 0.02; done", liveness=check("touch asked; sleep 86400"))
    assert launched.end() == 0
    assert (launched.told.exit_code, launched.told.backgrounded, launched.told.cause) == (0, None, None)
    until(lambda: not launched.marked())


def test_service_that_answers_is_left_alone_until_it_does_not(launched: Piped) -> None:
    count = launched.folder / "count"
    (launched.folder / "alive").touch()
    launched.give(f"{READY}exec sleep 86400", liveness=check("echo x >>count; test -e alive"))
    until(lambda: count.exists() and len(count.read_text()) >= 10)
    assert launched.told.ended is None
    (launched.folder / "alive").unlink()
    launched.end()
    assert launched.told.signal == "SIGINT"


# When failures count


class Clock:
    """Lets a liveness check see the time that a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **keys: Any) -> None:
        self.now = 0.0
        self.given_up: list[str] = []
        self.tell: list[Any] = []
        monkeypatch.setattr("sentinel_tasks.supervisor.liveness.time.monotonic", lambda: self.now)
        commands = Commands(Family((0, 0)), NO_WAKEUP)
        monkeypatch.setattr(commands, "start", lambda command, seconds, tell, is_shown: self.tell.append(tell))
        self.liveness = Liveness(commands, self.given_up.append)
        self.liveness.keys = {"command": "x", "interval": 10.0, "timeout": 5.0, "retries": 2, "grace": 60.0, **keys}
        self.liveness.begin()

    def answer(self, now: float, code: int | None) -> None:
        self.now = now
        self.liveness.advance(may_ask=True)
        self.tell.pop()(code, "")


HISTORIES: dict[str, tuple[list[tuple[float, int | None]], bool]] = {
    "failures while it starts do not count": ([(10, 1), (20, 1), (30, None), (50, 1)], False),
    "after its grace they do": ([(10, 1), (60, 1), (70, 1)], True),
    "once it has answered they do": ([(10, 0), (20, 1), (30, None)], True),
    "an answer in between begins anew": ([(10, 0), (20, 1), (30, 0), (40, 1)], False),
}


@pytest.mark.parametrize("history", HISTORIES)
def test_when_failures_count(monkeypatch: pytest.MonkeyPatch, history: str) -> None:
    answers, gives_up = HISTORIES[history]
    clock = Clock(monkeypatch)
    for now, code in answers:
        clock.answer(now, code)
    assert bool(clock.given_up) is gives_up


def test_answer_to_a_question_of_an_earlier_run_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, retries=1, grace=0.0)
    clock.now = 10.0
    clock.liveness.advance(may_ask=True)
    clock.liveness.begin()
    clock.tell.pop()(1, "")
    assert clock.given_up == []


def test_a_service_that_is_ending_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    clock.now = 10.0
    clock.liveness.advance(may_ask=False)
    assert clock.tell == []
    assert clock.liveness.next_due == 20.0


def test_without_the_key_nothing_is_ever_due(monkeypatch: pytest.MonkeyPatch) -> None:
    liveness = Liveness(Commands(Family((0, 0)), NO_WAKEUP), print)
    liveness.begin()
    liveness.advance(may_ask=True)
    assert liveness.next_due == float("inf")


# The question


@pytest.mark.parametrize(
    ("status", "expected", "fits"),
    [
        ("200", "2xx", True),
        ("302", "2xx,3xx", True),
        ("404", "<500", True),
        ("503", "<500", False),
        ("204", "200", False),
    ],
)
def test_a_status_is_what_is_expected(status: str, expected: str, fits: bool) -> None:
    assert any(probe.fits(status, each) for each in expected.split(",")) == fits


def test_a_real_server_is_asked(capfd: pytest.CaptureFixture[str]) -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        assert probe.main("http", f"http://localhost:{port}/", "501", "30") == 0
        assert probe.main("tcp", str(port), "30") == 0
        assert probe.main("http", f"http://localhost:{port}/", "2xx", "30") == 1
        assert capfd.readouterr().out == "HTTP 501"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert probe.main("tcp", str(free_port()), "30") == 1
    assert capfd.readouterr().out == "Connection refused"


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (Health("http", "/ping", ("2xx", "3xx"), timeout=2.0), ["http", "http://localhost:3000/ping", "2xx,3xx", "2"]),
        (Health("http", "http://localhost:99/", timeout=2.0), ["http", "http://localhost:99/", "2xx", "2"]),
        (Health("tcp", timeout=0.5), ["tcp", "3000", "0.5"]),
        (Health("tcp", "5432"), ["tcp", "5432", "5"]),
    ],
)
def test_the_launcher_is_given_the_command_that_asks(check: Health, words: list[str]) -> None:
    told: Any = liveness_of(service(liveness=check), 3000)
    assert told["command"][-len(words) :] == words
    assert told["command"][0] == sys.executable


def test_its_grace_is_as_long_as_a_start_may_take() -> None:
    """Of a start with `--timeout` too; that is no change of the configuration."""
    one = service(liveness=Health("tcp"), startup_timeout=7.0)
    for each, grace in ((one, 7.0), (service(liveness=Health("tcp"), liveness_grace=2.0), 2.0)):
        assert (liveness_of(each, 3000) or {})["grace"] == grace


def test_a_service_that_listens_on_ipv6_alone_answers_also_where_localhost_is_127_0_0_1() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert probe.main("tcp", str(server.getsockname()[1]), "30") == 0
