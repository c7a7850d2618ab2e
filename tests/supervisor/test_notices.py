"""What a service tells by systemd's protocol reaches its launcher's record, and nobody else's does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import sentinel_tasks
from sentinel_tasks.supervisor.notices import Notices, number
from sentinel_tasks.supervisor.record import Record
from tests.lab import until

from .launched import Piped

TELL = """
import os, socket, sys, time
def tell(*lines):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto("\\n".join(lines).encode(), "\\0" + os.environ["NOTIFY_SOCKET"][1:])
"""


def telling(*lines: str) -> list[str]:
    """A service that runs these lines of Python."""
    return [sys.executable, "-I", "-S", "-c", TELL + "\n".join(lines)]


def test_a_launcher_pays_for_no_socket_before_a_service_tells_something() -> None:
    project = Path(sentinel_tasks.__file__).parent.parent
    code = f"import sys; sys.path.append({str(project)!r}); from sentinel_tasks.supervisor import launcher"
    code += "; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-I", "-S", "-c", code], text=True).split()
    assert "sentinel_tasks.supervisor.notices" in loaded
    assert {"socket", "sentinel_tasks.supervisor.notice_socket"}.isdisjoint(loaded)


def test_what_it_tells_is_on_record(launched: Piped) -> None:
    lines = ["tell('STATUS=loading')", "tell('READY=1', 'STATUS=200 users', 'EXTEND_TIMEOUT_USEC=60000000')"]
    launched.give(telling(*lines, "tell(f'MAINPID={os.getpid()}', 'X_OTHER=1')", "time.sleep(60)"), notify=True)
    told = until(lambda: launched.told.main_pid and launched.told)
    assert (told.status, told.main_pid, bool(told.ready)) == ("200 users", told.pid, True)
    assert told.extended > (told.ready or 0) + 50


TELLS_BEFORE_THE_LAUNCHER_GOES_ON = """
spawn = launcher.spawn
def slowly(*given):
    pid = spawn(*given)
    while not os.path.exists(sys.argv[4] + "/has told"):
        time.sleep(0.01)
    return pid
launcher.spawn = slowly
"""


@pytest.mark.parametrize(
    "launched", [TELLS_BEFORE_THE_LAUNCHER_GOES_ON], indirect=True, ids=["before the launcher goes on"]
)
def test_service_that_is_ready_at_once_is_heard(launched: Piped) -> None:
    """On a busy machine its start waited until its time was over: the launcher had passed over what came so soon."""
    launched.give(telling("tell('READY=1')", "open('has told', 'w')", "time.sleep(60)"), notify=True)
    until(lambda: launched.told.ready)


def test_a_run_that_follows_must_tell_again(launched: Piped) -> None:
    once = "os.path.exists('once') and time.sleep(60)"
    lines = ["tell('READY=1', 'STATUS=first')", "open('once', 'w')", "time.sleep(0.1)", "sys.exit(3)"]
    launched.give(telling(once, *lines), notify=True, restart="always")
    told = until(lambda: launched.told.restarts == 1 and launched.told.ended is None and launched.told)
    assert (told.ready, told.status) == (None, "")


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["tell('READY=1')"], "no WATCHDOG=1 for 0.2 s"),
        (["for _ in range(4): tell('WATCHDOG=1'); time.sleep(0.1)"], "no WATCHDOG=1 for 0.2 s"),
        (["tell('WATCHDOG=trigger')"], "it told so (WATCHDOG=trigger)"),
    ],
)
def test_service_without_a_sign_of_life_is_ended_as_a_failure(launched: Piped, lines: list[str], why: str) -> None:
    launched.give(telling(*lines, "time.sleep(60)"), watchdog=0.2)
    launched.end()
    assert launched.told.cause == f"it no longer answered: {why}"
    assert launched.events() == ["start", "crash"]


def test_service_that_says_that_it_ends_owes_no_sign_of_life(launched: Piped) -> None:
    launched.give(telling("tell('READY=1', 'STOPPING=1')", "time.sleep(0.5)"), watchdog=0.2)
    assert launched.end() == 0
    assert launched.told.cause is None


def test_a_sign_of_life_that_was_owed_is_owed_no_more_once_it_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock, given_up = [0.0], list[str]()
    monkeypatch.setattr("sentinel_tasks.supervisor.notices.time.monotonic", lambda: clock[0])
    notices = Notices(Record(str(tmp_path / "web.run.json"), "L1"), bool, given_up.append)
    for clock[0], told in ((0.0, {"READY": "1"}), (0.1, {"STOPPING": "1"}), (1.0, {})):
        vars(notices).update(_watchdog=0.2, _socket=SimpleNamespace(taken=lambda told=told: told))
        notices.heed()
    assert given_up == []


@pytest.mark.parametrize(("text", "expected"), [("12", 12), (None, 0), ("", 0), ("-1", 0), ("1" * 20, 0), ("²", 0)])
def test_numbers_that_are_none_are_not_heeded(text: Any, expected: int) -> None:
    assert number(text) == expected
