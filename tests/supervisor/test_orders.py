"""A launcher does what changed files ask for: through its FIFO, by its service's key, and as a restart by default."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sentinel_tasks.supervisor.commands import Commands
from sentinel_tasks.supervisor.family import Family
from sentinel_tasks.supervisor.followers import Followers
from sentinel_tasks.supervisor.orders import CHANGE, RESTART, Order, Orders, send
from sentinel_tasks.supervisor.record import Record
from sentinel_tasks.supervisor.wakeup import ASKING, Wakeup
from sentinel_tasks.supervisor.wakeup import READY as READY_SIGNAL
from tests.lab import until

from .launched import LONG_PAUSE, READY, Launched, Piped, is_alive

CHANGED = Order(CHANGE, "src/app.py changed")
WAITS = f"{READY}exec sleep 60"


def given(launched: Piped, command: str, **keys: Any) -> None:
    launched.give(command, orders=str(orders_of(launched)), waits_for_change=True, **keys)
    launched.wait_for(b"ready")
    until(lambda: launched.told.pid is not None, "the launcher to put the run on record")


def orders_of(launched: Launched) -> Path:
    return launched.folder / "web.orders"


def are_heard(launched: Piped) -> None:
    """Until the launcher has taken all that was sent: it heeds that before it looks for any end."""
    reader = os.open(orders_of(launched), os.O_RDONLY | os.O_NONBLOCK)
    try:
        until(lambda: not any(fcntl.ioctl(reader, termios.FIONREAD, bytes(4))), "the launcher to read its orders")
    finally:
        os.close(reader)


def runs_again_after(launched: Piped, before: int | None) -> None:
    until(lambda: launched.told.pid != before and launched.told.ended is None, "another run")


# Restart


def test_service_restarts_when_its_files_change(launched: Piped) -> None:
    """At once, without a policy, and as no restart of the policy's."""
    given(launched, WAITS)
    before = launched.told.pid
    assert send(str(orders_of(launched)), CHANGED)
    launched.wait_for(b"ready")
    runs_again_after(launched, before)
    assert launched.told.reaction == "restarted because src/app.py changed"
    assert (launched.told.restarts, launched.told.cause, launched.told.asked) == (0, None, None)
    assert launched.events() == ["start", "stop", "restart"]
    assert launched.reasons()[1:] == ["src/app.py changed (killed by SIGINT)", "src/app.py changed"]
    os.kill(launched.pid, signal.SIGTERM)
    launched.end()
    assert launched.events()[3:] == ["stop"]
    assert not orders_of(launched).exists()


def test_changes_while_it_is_being_ended_are_one_restart(launched: Piped) -> None:
    given(launched, "trap 'until [ -e go ]; do sleep 0.02; done; exit 0' INT; echo ready; while :; do sleep 0.02; done")
    before = launched.told.pid
    for _ in range(3):
        assert send(str(orders_of(launched)), CHANGED)
    are_heard(launched)
    (launched.folder / "go").touch()
    launched.wait_for(b"ready")
    runs_again_after(launched, before)
    assert launched.events() == ["start", "stop", "restart"]


def test_service_that_crashed_waits_for_the_next_save(launched: Piped) -> None:
    """A mistake that was saved is mended by the next save, as with every other watcher."""
    given(launched, f"{READY}test -e mended || exit 3; exec sleep 60")
    until(lambda: launched.told.ended is not None and launched.told.exit_code == 3)
    assert launched.told.is_over
    (launched.folder / "mended").touch()
    send(str(orders_of(launched)), CHANGED)
    launched.wait_for(b"ready")
    until(lambda: launched.told.ended is None)
    assert launched.events() == ["start", "crash", "restart"]
    assert (launched.told.exit_code, launched.told.signal) == (None, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_a_launcher_that_waits_for_a_change_ends_when_it_is_asked_to(launched: Piped, number: signal.Signals) -> None:
    given(launched, f"{READY}exit 3")
    until(lambda: launched.told.ended is not None)
    os.kill(launched.pid, number)
    launched.end()
    assert launched.told.interrupted
    assert launched.reasons()[2] == "asked to end while it waited for a change"


def test_a_change_does_not_start_what_was_asked_to_end(launched: Piped) -> None:
    trap = "trap 'echo asked; until [ -e go ]; do sleep 0.02; done; exit 0' INT; "
    given(launched, f"{trap}{READY}while :; do sleep 0.02; done")  # it heeds the trap between two commands
    os.kill(launched.pid, signal.SIGINT)
    os.killpg(launched.pid, signal.SIGINT)
    launched.wait_for(b"asked")
    send(str(orders_of(launched)), CHANGED)
    are_heard(launched)
    (launched.folder / "go").touch()
    launched.end()
    assert launched.events() == ["start", "stop"]


@pytest.mark.parametrize("launched", [LONG_PAUSE], indirect=True, ids=["a long pause"])
def test_a_change_ends_the_pause_before_a_restart(launched: Piped) -> None:
    given(launched, f"{READY}[ -e once ] && exec sleep 60; touch once; exit 1", restart="always")
    until(lambda: launched.told.next_start is not None)
    send(str(orders_of(launched)), CHANGED)
    until(lambda: launched.events()[-1] == "restart" and launched.told.ended is None)
    assert launched.reasons()[-1] == "src/app.py changed"


def test_workers_of_a_run_that_ends_for_a_change_are_no_service_in_the_background(launched: Piped) -> None:
    given(launched, f"sleep 61 & trap 'exit 0' INT; {READY}while :; do sleep 0.02; done")
    before = launched.told.pid
    send(str(orders_of(launched)), CHANGED)
    runs_again_after(launched, before)
    assert launched.told.backgrounded is None
    assert len([each for each in launched.marked() if _is_sleep(each.pid)]) <= 1


def _is_sleep(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b"sleep\x0061\x00"
    return False


# What else a change may ask for


def test_a_signal_is_sent_in_place_of_a_restart(launched: Piped) -> None:
    given(launched, "trap 'echo again' HUP; echo ready; while :; do sleep 0.02; done", on_change={"signal": "HUP"})
    send(str(orders_of(launched)), CHANGED)
    launched.wait_for(b"again")
    until(lambda: launched.told.reaction == "src/app.py changed: HUP was sent")
    until(lambda: launched.events() == ["start", "change"])
    assert launched.reasons()[1] == "src/app.py changed: HUP was sent"


def test_a_command_is_run_in_place_of_a_restart(launched: Piped) -> None:
    given(launched, WAITS, on_change={"command": "echo built $COLOUR; exit 4"})
    send(str(orders_of(launched)), CHANGED)
    launched.wait_for(b"built red")
    until(lambda: launched.told.reaction == "src/app.py changed: its command ended (exit 4)")
    assert launched.told.ended is None


def test_changes_while_the_command_runs_are_one_more_of_it(launched: Piped) -> None:
    command = "echo x >>count; until [ -e go ]; do sleep 0.02; done"
    given(launched, WAITS, on_change={"command": command})
    count = launched.folder / "count"
    send(str(orders_of(launched)), CHANGED)
    until(count.exists)
    for name in ("b", "c"):
        send(str(orders_of(launched)), Order(CHANGE, f"{name} changed"))
    are_heard(launched)
    (launched.folder / "go").touch()
    until(lambda: launched.told.reaction.startswith("c changed"))
    assert count.read_text() == "x\nx\n"


def test_a_command_that_takes_too_long_is_told_and_leaves_nothing(launched: Piped) -> None:
    given(launched, WAITS, on_change={"command": "sleep 62 & sleep 62"}, on_change_timeout=0.1)
    send(str(orders_of(launched)), CHANGED)
    until(lambda: launched.told.reaction == "src/app.py changed: its command took longer than 0.1 s")
    until(lambda: len(launched.marked()) == 1)


# With another one


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[Orders]:
    before = {number: signal.getsignal(number) for number in (*ASKING, READY_SIGNAL, signal.SIGCHLD)}
    made, wakeup = Orders(), Wakeup()
    made.listen(str(tmp_path / "api.orders"), wakeup)
    yield made
    made.close()
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():  # with a launcher's, the test process would hear no C-c any more
        signal.signal(number, handler)


def test_what_restarts_with_it_is_told_once_it_is_healthy_again(
    launched: Piped, tmp_path: Path, orders: Orders
) -> None:
    check = {"command": "echo x >>asked; test -e healthy", "timeout": 5.0, "within": 60.0}
    given(launched, WAITS, healthy=check)
    send(str(orders_of(launched)), CHANGED)
    until((tmp_path / "asked").exists)
    assert orders.taken() == []
    (tmp_path / "healthy").touch()
    assert until(orders.taken) == [Order(RESTART, "web restarted", "web")]
    assert is_alive(launched.pid)


def test_what_restarts_with_it_hears_nothing_of_a_first_start(tmp_path: Path, orders: Orders) -> None:
    followers = _followers(tmp_path)
    followers.begin(is_restart=False)
    assert followers.next_due == float("inf")


HEALTHY: dict[str, tuple[dict[str, Any], list[tuple[float, bool]]]] = {
    "without a check after a second": ({"after": 1.0, "within": 30.0}, [(0.5, False), (1.0, True)]),
    "at the latest when its start would be late": (
        {"notify": True, "within": 3.0},
        [(0.2, False), (2.9, False), (3.2, True)],
    ),
}


@pytest.mark.parametrize("history", HEALTHY)
def test_when_what_restarts_with_it_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, orders: Orders, history: str
) -> None:
    check, looks = HEALTHY[history]
    clock = [0.0]
    monkeypatch.setattr("sentinel_tasks.supervisor.followers.time.monotonic", lambda: clock[0])
    followers = _followers(tmp_path, **check)
    followers.begin(is_restart=True)
    for clock[0], is_told in looks:
        followers.advance()
        assert [each.of for each in orders.taken()] == ["db"] * is_told


def _followers(folder: Path, **check: Any) -> Followers:
    record = Record(str(folder / "db.run.json"), "L1")
    made = Followers(record, Commands(Family((0, 0)), Wakeup()))
    made.follow({"service": "db-2", "called": "db", "healthy": check})
    return made


def test_a_restart_of_a_service_that_is_not_its_own_to_follow_is_passed_over(launched: Piped) -> None:
    given(launched, WAITS, restart_with=["db"])
    before = launched.told.pid
    send(str(orders_of(launched)), Order(RESTART, "cache restarted", "cache"))
    send(str(orders_of(launched)), Order(RESTART, "db restarted", "db"))
    runs_again_after(launched, before)
    assert launched.reasons()[-1] == "db restarted"


# The FIFO


def test_an_order_to_a_launcher_that_is_gone_is_known_to_be_lost(tmp_path: Path) -> None:
    assert not send(str(tmp_path / "web.orders"), CHANGED)
    os.mkfifo(tmp_path / "web.orders")
    assert not send(str(tmp_path / "web.orders"), CHANGED)


def test_what_is_no_order_is_passed_over(tmp_path: Path, orders: Orders) -> None:
    writer = os.open(tmp_path / "api.orders", os.O_WRONLY)
    os.write(writer, b'\nnonsense\n["end", "x"]\n[1]\n{"a": 1}\n["change", "half')
    assert orders.taken() == []
    os.write(writer, b' of it changed", ""]\n')
    assert orders.taken() == [Order(CHANGE, "half of it changed")]
    os.close(writer)


def test_a_later_launchers_fifo_is_left_where_it_is(tmp_path: Path, orders: Orders) -> None:
    later = Orders()
    later.listen(str(tmp_path / "api.orders"), Wakeup())
    orders.close()
    assert (tmp_path / "api.orders").exists()
    later.close()
    assert not (tmp_path / "api.orders").exists()
