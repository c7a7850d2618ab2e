"""Ports that were chosen and on which nobody listens yet, as workspaces that share nothing else see them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sentinel_tasks.supervisor.specification import reserved
from sentinel_tasks.system.port_reservations import Reservations
from tests.lab import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")

PORT, NEXT, LAST = free_port(), free_port(), free_port()
"""Of this test process alone: who chooses automatically, in a test that runs at the same time, reserves others."""


@pytest.fixture
def mine() -> Iterator[Reservations]:
    with Reservations("/mine") as reservations:
        yield reservations


@pytest.fixture
def others() -> Iterator[Reservations]:
    with Reservations("/others") as reservations:
        yield reservations


def test_only_one_of_those_that_choose_gets_the_port(mine: Reservations, others: Reservations) -> None:
    assert mine.take(PORT)
    assert not others.take(PORT)
    assert others.take(NEXT)
    with mine:
        pass
    assert others.take(PORT)


def test_what_a_launcher_holds_is_promised_to_its_workspace_alone(mine: Reservations, others: Reservations) -> None:
    with ExitStack() as launchers:
        for launch in ("first", "second"):
            for held in reserved(mine.of_launch(launch, [PORT])):
                launchers.callback(held.close)
        assert not others.take(PORT)
        assert mine.take(PORT)
    with mine:
        pass
    with Reservations("/others") as again:
        assert again.take(PORT)


def test_port_whose_number_begins_with_ours_is_another(mine: Reservations, others: Reservations) -> None:
    with ExitStack() as launchers:
        for held in reserved(mine.of_launch("first", [int(f"{PORT}0")])):
            launchers.callback(held.close)
        assert others.take(PORT)


def test_what_others_reserve_or_choose_is_known_from_one_look(mine: Reservations, others: Reservations) -> None:
    """12,000 sockets named like ours, by whomever: each port that was tried read the kernel's whole list, twice."""
    assert others.take(PORT)
    with ExitStack() as launchers:
        for held in reserved([*others.of_launch("a", [NEXT]), *mine.of_launch("b", [LAST])]):
            launchers.callback(held.close)
        assert {PORT, NEXT} <= mine.of_others()
        assert LAST not in mine.of_others()


@pytest.mark.parametrize("name", ["a\n\nb", " ", "x\x0c\x1c", "\udcff\udcfe"])
def test_socket_with_an_odd_name_is_no_promise(mine: Reservations, name: str) -> None:
    """Whoever had one made every start with an automatic port end in a traceback."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as odd:
        odd.bind(b"\0" + os.fsencode(name))
        assert mine.take(PORT)


def test_killed_holder_promises_nothing(mine: Reservations) -> None:
    code = (
        "import time; from sentinel_tasks.system.port_reservations import Reservations as R; "
        f"print(R('/x').take({PORT})); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE) as holder:
        pass_on = holder.stdout
        assert pass_on is not None
        pass_on.readline()
        holder.kill()
    assert mine.take(PORT)


def test_launcher_that_may_open_no_more_files_starts_its_service_all_the_same() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3));"
        "from sentinel_tasks.supervisor.specification import reserved; print(reserved(['sentinel-port-1-x']))"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sentinel_tasks.lineage.sockets, sentinel_tasks.supervisor.specification; {code}",
        ],
        capture_output=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (b"[]\n", b"")
