"""A service that is leased ends with the process that wants it, or when its time is up, by its launcher alone."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sentinel_tasks.lineage import proc
from sentinel_tasks.model import Lease
from sentinel_tasks.system import leases
from tests.lab import LONG, until

from .launched import READY, Piped

SLEEPS = f"{READY}exec sleep 600"
ENDED = "its lease is over: process {} has ended"


@pytest.fixture
def owner() -> Iterator[subprocess.Popen[bytes]]:
    """A process that wants the service."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def lease_of(owner: subprocess.Popen[bytes], until: float | None = None) -> Lease:
    process = proc.one(owner.pid)
    assert process is not None
    return Lease(owner.pid, process.ticks, until)


def begin(launched: Piped, *given: Lease, **spec: Any) -> None:
    """Starts the service for these, as a task does, and waits until it runs."""
    path = launched.state.lease("web")
    leases.begin(path, launched.name, given)
    wanted = [[each.pid, each.ticks, each.until] for each in given]
    launched.give(SLEEPS, lease=str(path), leases=wanted, **spec)
    launched.wait_for(b"ready")


def change(launched: Piped, *wanted: Lease) -> bool:
    return leases.change(launched.state.lease("web"), launched.name, wanted)


def test_it_ends_with_its_owner_whatever_ended_that_and_no_policy_starts_it_again(
    launched: Piped, owner: subprocess.Popen[bytes]
) -> None:
    begin(launched, lease_of(owner), restart="always")
    owner.kill()
    launched.end()
    told = launched.told
    assert (told.signal, told.interrupted, told.cause) == ("SIGINT", True, ENDED.format(owner.pid))
    assert launched.events() == ["start", "stop"]
    assert not change(launched), "a task sees that it is too late to take the lease away"


def test_a_later_process_of_the_same_pid_is_not_its_owner(launched: Piped, owner: subprocess.Popen[bytes]) -> None:
    other = Lease(owner.pid, (lease_of(owner).ticks or 0) - 1)
    path = launched.state.lease("web")
    leases.begin(path, launched.name, [other])
    launched.give("touch began", lease=str(path), leases=[[other.pid, other.ticks, None]])
    launched.end()
    assert launched.told.cause == ENDED.format(owner.pid)
    assert not (launched.folder / "began").exists()


def test_it_ends_when_its_time_is_up_though_its_owner_lives(launched: Piped, owner: subprocess.Popen[bytes]) -> None:
    given, path = lease_of(owner, time.time() + 0.3), launched.state.lease("web")
    leases.begin(path, launched.name, [given])
    launched.give("exec sleep 600", lease=str(path), leases=[[given.pid, given.ticks, given.until]])
    launched.end()  # it may not even have begun, on a machine that is late
    assert launched.told.cause == "its lease is over: its time was up"


def test_it_runs_on_if_the_lease_was_taken_away(launched: Piped, owner: subprocess.Popen[bytes]) -> None:
    begin(launched, lease_of(owner))
    assert change(launched)
    owner.kill()
    owner.wait()
    late = Lease(until=time.time() + LONG)
    assert change(launched, late), "it is not over"
    until(launched.below, "the service")
    assert launched.told.asked is None


def test_it_ends_with_the_last_of_its_owners(launched: Piped, owner: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen(["sleep", "600"]) as other:
        begin(launched, lease_of(owner))
        assert change(launched, lease_of(owner), lease_of(other))
        owner.kill()
        owner.wait()
        assert change(launched, lease_of(other)), "the other one's holds"
        other.kill()
        launched.end()
    assert launched.told.cause == ENDED.format(other.pid)


def test_without_handles_of_processes_its_owner_is_looked_at(
    launched: Piped, owner: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems other than Linux."""
    from sentinel_tasks.supervisor.lease import Leases
    from sentinel_tasks.supervisor.wakeup import Wakeup

    monkeypatch.delattr("os.pidfd_open", raising=False)
    no_wakeup: Wakeup = Any  # type: ignore[assignment]
    followed = Leases("/nowhere", "L1", no_wakeup)
    followed.take([list(lease_fields(lease_of(owner)))])
    assert followed.next_due <= time.monotonic() + 0.5
    owner.kill()
    owner.wait()
    followed.next_due = 0.0
    followed.advance()
    assert followed.over == ENDED.format(owner.pid)


def lease_fields(lease: Lease) -> tuple[int | None, int | None, float | None]:
    return lease.pid, lease.ticks, lease.until


def test_what_is_kept_is_of_one_launch(launched: Piped) -> None:
    path, one = launched.state.lease("web"), Lease(1, 2, None)
    assert leases.kept(path, "L1") is None
    leases.begin(path, "L1", [one])
    assert (leases.kept(path, "L1"), leases.kept(path, "L2")) == ((one,), None)
    assert leases.change(path, "L1", [])
    assert leases.kept(path, "L1") == ()
    path.write_text("half a")
    assert leases.kept(path, "L1") is None
