"""Who listens, is it open, is it free: real sockets on loopback."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sentinel_tasks.decisions.ownership import answering, covers
from sentinel_tasks.system import sock_diag
from sentinel_tasks.system.ports import (
    LOOPBACK,
    all_listeners,
    beside_localhost,
    holders,
    is_free,
    listening,
    open_addresses,
    uid_of,
)
from tests.lab import Lab, free_port, until

Listen = Callable[..., int]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Opens listeners of this process; each gives its port, which no other test is given in the other family."""
    opened: list[socket.socket] = []

    def start(host: str = "127.0.0.1", port: int = 0, backlog: int = 8, v6only: bool = True) -> int:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        server = socket.socket(family)
        opened.append(server)
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port or free_port()))
        server.listen(backlog)
        return int(server.getsockname()[1])

    yield start
    for server in opened:
        server.close()


@pytest.fixture(params=["as Linux tells it", "as psutil sees it"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways to learn who listens; the second is the only one where there is no netlink."""
    if "psutil" in request.param:
        monkeypatch.setattr(sock_diag, "listeners", lambda: None)


def listeners(port: int) -> list[tuple[int | None, str]]:
    """Who listens on this port, of all listeners on the machine."""
    return [(pid, address) for each, pid, address in all_listeners() if each == port]


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize(
    ("host", "v6only", "addresses"),
    [
        ("127.0.0.1", True, ("127.0.0.1",)),
        ("0.0.0.0", True, ("127.0.0.1",)),
        ("::1", True, ("::1",)),
        ("::", True, ("::1",)),
        ("::", False, ("127.0.0.1", "::1")),
    ],
)
def test_wildcard_and_loopback_of_both_families_count(
    listen: Listen, host: str, v6only: bool, addresses: tuple[str, ...]
) -> None:
    port = listen(host, v6only=v6only)
    assert open_addresses(port) == addresses
    assert not is_free(port)
    assert listeners(port) == [(os.getpid(), host)]
    assert listening([os.getpid()]).count((port, os.getpid(), host)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such an address must be set up first")
def test_every_address_of_loopback_counts_beside_localhost(listen: Listen) -> None:
    port = listen("127.0.0.2")
    assert open_addresses(port) == ()
    assert beside_localhost()[port] == ("127.0.0.2",)
    assert not is_free(port)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it so")
def test_an_ipv4_address_on_a_socket_of_ipv6_is_told_as_what_it_is(listen: Listen) -> None:
    """Java listens so: its `::ffff:127.0.0.1` was no address at which it could be asked."""
    port = listen("::ffff:127.0.0.1", v6only=False)
    assert open_addresses(port) == ("127.0.0.1",)
    assert listeners(port) == [(os.getpid(), "127.0.0.1")]
    assert listening([os.getpid()]).count((port, os.getpid(), "127.0.0.1")) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only a connection tells")
@pytest.mark.parametrize(("host", "v6only"), [("127.0.0.1", True), ("0.0.0.0", True), ("::1", True), ("::", False)])
def test_a_listener_is_seen_without_a_connection(host: str, v6only: bool) -> None:
    """Each look woke the server."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
        if ":" in host:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        server.bind((host, free_port()))
        server.listen()
        server.setblocking(False)
        assert open_addresses(server.getsockname()[1])
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
@pytest.mark.parametrize(
    ("host", "v6only"),
    [
        *itertools.product(["127.0.0.1", "0.0.0.0", "127.0.0.2", "::1", "::"], [True, False]),
        ("::ffff:127.0.0.1", False),
    ],
)
@pytest.mark.parametrize("way", LOOPBACK)
def test_the_kernel_tells_of_a_listener_what_a_connection_would(
    listen: Listen, host: str, v6only: bool, way: tuple[str, socket.AddressFamily]
) -> None:
    port = listen(host, v6only=v6only)
    told = sock_diag.is_listened_on(*way, port)
    with socket.socket(way[1]) as client:
        assert told == (client.connect_ex((way[0], port)) == 0)


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="only root of Linux has such a network")
def test_a_listener_at_an_address_that_the_machine_does_not_have_is_not_open() -> None:
    """Where IPv6 is switched off, as in many containers, a service on :: was asked at ::1, and never healthy."""
    code = """if True:
        import socket
        from sentinel_tasks.system.ports import open_addresses
        from sentinel_tasks.system.sock_diag import is_listened_on
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
            port = server.getsockname()[1]
            print(is_listened_on("::1", socket.AF_INET6, port), open_addresses(port))
    """
    command = ["unshare", "--net", sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told == "True ()\n"


def test_where_the_kernel_tells_nothing_a_connection_does(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sock_diag, "is_listened_on", lambda *_: None)
    assert open_addresses(listen("127.0.0.1")) == ("127.0.0.1",)
    assert open_addresses(listen("::", v6only=False)) == ("127.0.0.1", "::1")
    assert open_addresses(free_port()) == ()


def test_closed_port_is_free_and_nobodys() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port()))
        port = int(probe.getsockname()[1])
    assert open_addresses(port) == ()
    assert is_free(port)
    assert listeners(port) == []
    assert uid_of(port) is None


def test_listener_with_its_hands_full_is_open(listen: Listen) -> None:
    port = listen(backlog=0)
    waiting = [socket.socket() for _ in range(4)]
    try:
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        assert open_addresses(port) == ("127.0.0.1",)
    finally:
        for each in waiting:
            each.close()


@pytest.mark.usefixtures("source")
def test_only_listeners_count(listen: Listen) -> None:
    server = listen()
    with socket.create_connection(("127.0.0.1", server)) as browser:
        own = int(browser.getsockname()[1])
        assert listeners(own) == []
        assert listeners(server) == [(os.getpid(), "127.0.0.1")]
        assert own not in {port for port, _, _ in listening([os.getpid()])}


def test_socket_that_is_bound_but_does_not_listen_is_not_open() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", free_port()))
        port = int(bound.getsockname()[1])
        assert open_addresses(port) == ()
        assert listeners(port) == []
        assert not is_free(port)


def test_port_that_was_just_given_up_is_free() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()
    assert is_free(port)


def test_two_listeners_of_one_port_are_both_seen(listen: Listen) -> None:
    port = listen("127.0.0.1")
    listen("::1", port)
    assert sorted(listeners(port)) == [(os.getpid(), "127.0.0.1"), (os.getpid(), "::1")]


@pytest.mark.usefixtures("source")
def test_listening_of_another_process_and_of_none() -> None:
    port = free_port()
    code = f"import socket; s = socket.create_server(('127.0.0.1', {port})); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert listening([other.pid]) == [(port, other.pid, "127.0.0.1")]
        assert listeners(port) == [(other.pid, "127.0.0.1")]
        other.communicate(b"\n")
    assert listening([other.pid]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere psutil alone tells who listens")
def test_a_process_whose_first_thread_has_ended_holds_its_port_still(lab: Lab) -> None:
    """Its port was held by "a process of user root that can't be seen"."""
    port = lab.port()
    server = lab.listen(port, "--leave-main-thread")
    until(lambda: Path(f"/proc/{server.pid}/stat").read_text().split()[2] == "Z", "the end of its first thread")
    assert listening([server.pid]) == [(port, server.pid, "127.0.0.1")]
    assert listeners(port) == [(server.pid, "127.0.0.1")]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")
def test_kernel_tells_as_much_by_netlink_as_in_its_table(listen: Listen) -> None:
    ports = {listen("127.0.0.1"), listen("::"), listen("::1"), listen("0.0.0.0")}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listed = {(int(row[1].rpartition(":")[2], 16), int(row[7]), int(row[9])) for row in rows if row[3] == "0A"}
    told = {(bound.port, bound.uid, bound.inode) for bound in sock_diag.listeners() or ()}
    assert {row for row in told if row[0] in ports} == {row for row in listed if row[0] in ports}
    assert {row[0] for row in told} >= ports


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it")
def test_kernel_tells_whose_port_it_is(listen: Listen) -> None:
    assert uid_of(listen("127.0.0.1")) == os.getuid()
    assert uid_of(listen("::1")) == os.getuid()


@pytest.mark.parametrize(
    ("listener", "connected", "covered"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("::", "127.0.0.1", True),
        ("::", "::1", True),
        ("::1", "::1", True),
        ("0.0.0.0", "::1", False),
        ("127.0.0.1", "::1", False),
        ("::1", "127.0.0.1", False),
        ("127.0.0.2", "127.0.0.1", False),
    ],
)
def test_covers(listener: str, connected: str, covered: bool) -> None:
    assert covers(listener, connected) is covered


@pytest.mark.parametrize(
    ("listening", "asked", "where"),
    [
        (["0.0.0.0", "127.0.0.1"], "127.0.0.1", "127.0.0.1"),
        (["::", "0.0.0.0"], "127.0.0.1", "0.0.0.0"),
        (["::"], "127.0.0.1", "::"),
        (["0.0.0.0", "::"], "::1", "::"),
        (["0.0.0.0"], "::1", None),
        (["10.0.0.5"], "127.0.0.1", None),
    ],
)
def test_the_narrowest_address_answers(listening: list[str], asked: str, where: str | None) -> None:
    assert answering(listening, asked) == where


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is told quickly elsewhere")
def test_everyone_who_holds_the_very_socket_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert holders(port, [os.getpid(), 1]) == [(os.getpid(), "127.0.0.1")]
        with subprocess.Popen(["sleep", "600"], pass_fds=[server.fileno()]) as heir:
            both = sorted((pid or 0, address) for pid, address in holders(port, [os.getpid(), heir.pid]))
            assert both == sorted([(os.getpid(), "127.0.0.1"), (heir.pid, "127.0.0.1")])
            heir.kill()


OPENS_AND_CLOSES = """
import socket, sys, threading, time

def open_and_close(port):
    while True:
        with socket.create_server(("127.0.0.1", port)):
            time.sleep(0.02)

for port in sys.argv[1:]:
    threading.Thread(target=open_and_close, args=(int(port),)).start()
print(flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere psutil alone tells who listens")
def test_a_listener_that_opens_or_closes_during_the_look_is_not_taken_for_one_that_cannot_be_seen() -> None:
    """Of a service that had just begun to listen, `up` said: held by a process of user root that can't be seen."""
    ports = [free_port() for _ in range(12)]
    with subprocess.Popen([sys.executable, "-c", OPENS_AND_CLOSES, *map(str, ports)], stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            looks: list[list[tuple[int, int | None, str]]] = []
            while len(looks) < 30 or not any(looks):  # on a busy machine it may have had no time to listen yet
                looks.append([row for row in all_listeners() if row[0] in ports])
        finally:
            process.kill()
    assert {pid for look in looks for _, pid, _ in look} == {process.pid}


def test_a_port_that_the_kernel_has_still_to_close_is_not_told_as_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start right after a tmux server was killed was refused: "held by a process that can't be seen"."""
    here, there = socket.socketpair()
    with here, there, socket.create_server(("127.0.0.1", free_port())) as server:
        port = int(server.getsockname()[1])
        socket.send_fds(here, [b"it"], [server.fileno()])  # no process has it open before the message is received
        server.close()
        assert listeners(port) == [(None, "127.0.0.1")]
        monkeypatch.setattr("sentinel_tasks.system.ports.time.sleep", lambda seconds: there.close())
        assert listeners(port) == []
