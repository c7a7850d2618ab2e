"""Is it healthy: every way of asking, against servers that behave badly (contract: Configuration)."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sentinel_tasks.health.http import LARGEST_BODY, matches
from sentinel_tasks.health.probe import ASKS, ask
from sentinel_tasks.health.question import Question, url
from sentinel_tasks.model import HEALTH_KINDS, Answer, Health
from tests.lab import LONG, PATIENCE, free_port, until

Talk = Callable[[socket.socket, bytes], None]
SOON = 0.6
"""Seconds that are given to whoever will not answer; all others have the suite's patience."""
DRIP = 0.05
ROUNDED = 0.1
"""Milliseconds: an answer tells no shorter ones."""


class Server:
    """A listener on loopback that answers every request by a function of its own; remembers what it was asked."""

    def __init__(self, talk: Talk, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.talk, self.tls = talk, tls
        self.requests: list[bytes] = []
        self.listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.port: int = self.listener.getsockname()[1]
        self.clients: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.clients.append(client)
            self.threads.append(threading.Thread(target=self._serve, args=(client,)))
            self.threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        try:
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
                self.clients.append(client)
            request = client.recv(65536)
            self.requests.append(request)
            self.talk(client, request)
        except OSError:
            return

    def close(self) -> None:
        """Accepts nobody any more, then closes: one that was accepted meanwhile was left open."""
        _close(self.listener)
        self.threads[0].join(PATIENCE)
        for client in self.clients:
            _close(client)
        for thread in self.threads[1:]:
            thread.join(PATIENCE)


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(talk: Talk, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0) -> Server:
        servers.append(Server(talk, host, tls, port))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def answering(status: int, body: bytes = b"{}", *headers: str) -> Talk:
    head = "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers])

    def talk(client: socket.socket, request: bytes) -> None:
        client.sendall(f"{head}\r\n\r\n".encode() + body)
        client.close()

    return talk


def dripping(head: bytes, drop: bytes) -> Talk:
    """Sends the head at once, then drop by drop without end."""

    def talk(client: socket.socket, request: bytes) -> None:
        client.sendall(head)
        while True:
            client.sendall(drop)
            time.sleep(DRIP)

    return talk


def silent(client: socket.socket, request: bytes) -> None:
    """Accepts, reads, and never answers."""


def ask_http(port: int, target: str = "/", expect: tuple[str, ...] = ("2xx",), **keys: Any) -> Answer:
    return ask(question(Health("http", target, expect), port, **keys))


def question(health: Health, port: int | None = None, **keys: Any) -> Question:
    given: dict[str, Any] = {"addresses": ("127.0.0.1",), "patience": PATIENCE, "cwd": "/", "log": lambda: (), **keys}
    return Question(health, port, environment=given.pop("environment", lambda: {"PATH": os.environ["PATH"]}), **given)


# HTTP


def test_healthy(serve: Serve) -> None:
    server = serve(answering(200, b'{"total": 47}'))
    began = time.monotonic()
    answer = ask_http(server.port, "/api/workers/registry", counts_workers=True)
    asked_for = time.monotonic() - began
    assert (answer.ok, answer.detail, answer.workers) == (True, "200", 47)
    assert ask_http(server.port, "/api/workers/registry").workers is None
    assert answer.latency_ms is not None
    assert 0 < answer.latency_ms <= 1000 * asked_for + ROUNDED
    assert server.requests[0].startswith(b"GET /api/workers/registry HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [404, 500, 503, 401, 301])
def test_other_statuses_are_not_healthy_and_are_told(serve: Serve, status: int) -> None:
    server = serve(answering(status, b'{"total": 47}'))
    answer = ask_http(server.port)
    assert not answer.ok
    assert answer.detail == f"HTTP {status} from http://127.0.0.1:{server.port}/"
    assert answer.workers is None


def test_dev_takes_any_answer_below_500(serve: Serve) -> None:
    assert ask_http(serve(answering(404)).port, expect=("<500",)).ok
    assert not ask_http(serve(answering(500)).port, expect=("<500",)).ok


def test_one_status_may_be_all_that_is_wanted(serve: Serve) -> None:
    assert ask_http(serve(answering(418)).port, expect=("418",)).ok
    assert not ask_http(serve(answering(200)).port, expect=("418",)).ok


def test_redirect_is_an_answer_and_is_not_followed(serve: Serve) -> None:
    elsewhere = serve(answering(200))
    server = serve(answering(302, b"", f"Location: http://127.0.0.1:{elsewhere.port}/"))
    assert not ask_http(server.port).ok
    assert ask_http(server.port, expect=("200", "3xx")).ok
    assert elsewhere.requests == []


def test_server_that_never_answers_is_not_healthy_and_does_not_keep_us(serve: Serve) -> None:
    answer = ask_http(serve(silent).port, patience=SOON)
    assert not answer.ok
    assert "no answer" in answer.detail
    assert f"{SOON} s" in answer.detail


def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert not ask_http(unused.getsockname()[1]).ok


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("drop", [b"X", b"X: y\r\n"])
def test_head_that_drips_for_ever_is_not_healthy_and_does_not_keep_us(serve: Serve, drop: bytes) -> None:
    answer = ask_http(serve(dripping(HEAD, drop)).port, patience=SOON)
    assert not answer.ok
    assert "no answer" in answer.detail


def test_body_that_drips_for_ever_does_not_keep_us(serve: Serve) -> None:
    server = serve(dripping(HEAD + b"Content-Type: text/event-stream\r\n\r\n", b"data: x\n\n"))
    answer = until(lambda: (told := ask_http(server.port, patience=SOON)).ok and told)
    assert answer.workers is None


def test_body_that_never_comes_does_not_make_a_good_status_bad(serve: Serve) -> None:
    server = serve(lambda client, request: client.sendall(HEAD + b"Content-Type: text/event-stream\r\n\r\n"))
    until(lambda: ask_http(server.port, patience=SOON).ok)


def test_huge_body_is_not_read_to_its_end(serve: Serve) -> None:
    sent = []

    def talk(client: socket.socket, request: bytes) -> None:
        client.sendall(HEAD + b"Content-Length: 10000000000\r\n\r\n")
        while True:
            client.sendall(b" " * 65536)
            sent.append(65536)

    answer = ask_http(serve(talk).port)
    assert answer.ok
    assert sum(sent) < 20 * LARGEST_BODY


def test_a_gzip_bomb_as_a_health_answer_does_not_fill_the_memory(serve: Serve) -> None:
    """200 MB of zeros in 200 kB took 167 MB: each part that was read was unpacked to its end."""
    bomb = serve(answering(200, gzip.compress(b"0" * (30 * LARGEST_BODY)), "Content-Encoding: gzip"))
    tracemalloc.start()
    try:
        assert ask_http(bomb.port, counts_workers=True).ok
        assert tracemalloc.get_traced_memory()[1] < 10 * LARGEST_BODY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_packed_body_is_read_all_the_same(serve: Serve, encoding: str) -> None:
    body = b'{"total": 47}'
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    server = serve(answering(200, packed, f"Content-Encoding: {encoding}"))
    assert ask_http(server.port, counts_workers=True).workers == 47
    assert b"Accept-Encoding: identity" in server.requests[0], "there is nothing to unpack where nobody packs"


def test_a_body_that_can_not_be_unpacked_does_not_make_a_good_status_bad(serve: Serve) -> None:
    answer = ask_http(serve(answering(200, b"abc", "Content-Encoding: gzip")).port, counts_workers=True)
    assert (answer.ok, answer.workers) == (True, None)


def test_a_page_that_goes_on_for_ever_is_healthy_as_soon_as_its_status_came(serve: Serve) -> None:
    """A start is patient: it would have read a stream of events until its time was over."""
    server = serve(dripping(HEAD + b"Content-Type: text/event-stream\r\n\r\n", b"data: x\n\n"))
    assert ask_http(server.port, patience=LONG).ok


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"\x00\xff" * 100,
        b"",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
def test_whoever_does_not_speak_http_is_not_healthy(serve: Serve, said: bytes) -> None:
    def talk(client: socket.socket, request: bytes) -> None:
        client.sendall(said)
        client.shutdown(socket.SHUT_RDWR)

    answer = ask_http(serve(talk).port)
    assert not answer.ok
    assert len(answer.detail) <= 200
    assert "\n" not in answer.detail


def test_proxies_are_ignored(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(answering(200)), serve(answering(404))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert not ask_http(server.port).ok
    assert not ask_http(server.port, addresses=("localhost",)).ok
    assert proxy.requests == []


def test_ipv6(serve: Serve) -> None:
    server = serve(answering(200), "::1")
    assert ask_http(server.port, addresses=("::1",)).ok
    assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


def test_every_address_is_tried_until_one_is_healthy(serve: Serve) -> None:
    server = serve(answering(200), "::1")
    assert ask_http(server.port, addresses=("127.0.0.1", "::1")).ok


def test_an_address_that_hangs_leaves_the_others_their_time(serve: Serve) -> None:
    port = free_port()
    serve(silent, port=port)
    serve(answering(200), "::1", port=port)
    assert ask_http(port, addresses=("127.0.0.1", "::1"), patience=LONG).ok


def test_url_is_asked_as_it_is(serve: Serve) -> None:
    server, own = serve(answering(200)), serve(answering(200))
    assert ask_http(own.port, f"http://127.0.0.1:{server.port}/deep?x=1").ok
    assert server.requests[0].startswith(b"GET /deep?x=1 ")
    assert own.requests == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_certificate_that_a_development_server_signed_itself_is_taken(serve: Serve, host: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).with_name("self_signed.pem"))
    server = serve(answering(200), tls=context)
    assert ask_http(server.port, f"https://{host}:{server.port}/").ok


def test_path_with_a_url_in_its_query_is_asked_of_the_service(serve: Serve) -> None:
    server = serve(answering(200))
    assert ask_http(server.port, "/login?next=http://elsewhere.invalid/").ok
    assert server.requests[0].startswith(b"GET /login?next=http://elsewhere.invalid/ ")


@pytest.mark.parametrize("target", ["/a b", "/\n", "/\x00", "/é", "/%", "/[", "http://[::1/", "http://127.0.0.1:x/"])
def test_strange_targets_are_no_traceback(serve: Serve, target: str) -> None:
    assert isinstance(ask_http(serve(answering(200)).port, target), Answer)


def test_token_goes_to_the_services_own_port_only(serve: Serve) -> None:
    server = serve(answering(200))
    keys: dict[str, Any] = {"environment": lambda: {"TES_DEV_TOKEN": "hunter2"}}
    assert ask_http(server.port, **keys).ok
    assert ask_http(server.port, f"http://127.0.0.1:{server.port}/", **keys).ok
    assert [b"X-TES-Dev-Token: hunter2" in request for request in server.requests] == [True, False]


def test_registry_that_refuses_the_token_is_told_with_the_variable_that_it_wants(serve: Serve) -> None:
    """Started with a token, seen from a shell without: `HTTP 401`, for as long as a start waits, and no word why."""
    server = serve(answering(401))
    wants_it = f"HTTP 401 from http://127.0.0.1:{server.port}/: is TES_DEV_TOKEN here as it was when it was started?"
    assert ask_http(server.port, counts_workers=True).detail == wants_it
    assert "TES_DEV_TOKEN" not in ask_http(server.port, counts_workers=False).detail
    elsewhere = ask_http(server.port, f"http://127.0.0.1:{server.port}/", counts_workers=True)
    assert "TES_DEV_TOKEN" not in elsewhere.detail, "it is not sent there"


@pytest.mark.parametrize("token", ["é", "a\nb", "\udcff", " "])
def test_token_that_no_header_can_carry_is_no_traceback(serve: Serve, token: str) -> None:
    answer = ask_http(serve(answering(200)).port, environment=lambda: {"TES_DEV_TOKEN": token})
    assert isinstance(answer, Answer)


@pytest.mark.parametrize(
    ("status", "wanted", "matched"),
    [
        (200, "200", True),
        (201, "200", False),
        (301, "3xx", True),
        (301, "3XX", True),
        (400, "3xx", False),
        (499, "<500", True),
        (500, "<500", False),
        (404, "<404", False),
    ],
)
def test_matches(status: int, wanted: str, matched: bool) -> None:
    assert matches(status, wanted) is matched


@pytest.mark.parametrize(
    ("target", "host", "address"),
    [
        ("/", "localhost", "http://localhost:3000/"),
        ("/a", "::1", "http://[::1]:3000/a"),
        ("https://x/y", "::1", "https://x/y"),
        ("/?u=http://x", "127.0.0.1", "http://127.0.0.1:3000/?u=http://x"),
    ],
)
def test_url(target: str, host: str, address: str) -> None:
    assert url(Health("http", target), 3000, host) == address


# A command


def ask_command(command: str | tuple[str, ...], **keys: Any) -> Answer:
    return ask(question(Health("command", command), **keys))


def test_command_that_exits_0(tmp_path: Path) -> None:
    answer = ask_command("test -f ready", cwd=str(tmp_path))
    assert not answer.ok
    (tmp_path / "ready").touch()
    assert ask_command("test -f ready", cwd=str(tmp_path)).ok
    assert ask_command(("test", "-f", "ready"), cwd=str(tmp_path)).ok


def test_command_that_fails_is_told_with_its_last_words() -> None:
    answer = ask_command("echo first; echo not yet >&2; exit 7")
    assert (answer.ok, answer.detail) == (False, "the health command exits 7: not yet")


@pytest.mark.parametrize("command", [("no-such-command-here",), ("/etc/passwd",), ("/",)])
def test_command_that_can_not_be_run(command: tuple[str, ...]) -> None:
    answer = ask_command(command)
    assert not answer.ok
    assert "can't be run" in answer.detail


def test_command_in_a_folder_that_is_gone() -> None:
    assert not ask_command("true", cwd="/no/such/folder").ok


def test_command_sees_the_services_environment() -> None:
    assert ask_command('test "$COLOUR" = red', environment=lambda: {"COLOUR": "red", "PATH": os.environ["PATH"]}).ok


def test_command_that_takes_too_long_is_ended_with_all_its_children() -> None:
    answer = ask_command("sleep 86401 & sleep 86401; true", patience=SOON)
    assert not answer.ok
    assert f"more than {SOON} s" in answer.detail
    until(lambda: not _sleepers())


def test_command_that_leaves_something_in_the_background_is_not_waited_for_beyond_its_own_end(tmp_path: Path) -> None:
    """It kept its output open, so an exit 0 was told as "took more than 2 s"."""
    answer = ask_command(f"sleep {LONG} & echo $! >{tmp_path}/pid", patience=LONG)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert (answer.ok, answer.detail) == (True, "exit 0")


def test_command_that_prints_without_end_does_not_fill_the_memory() -> None:
    tracemalloc.start()
    try:
        assert "more than" in ask_command("yes", patience=SOON).detail
        assert tracemalloc.get_traced_memory()[1] < LARGEST_BODY
    finally:
        tracemalloc.stop()


def test_command_that_closes_its_output_is_waited_for() -> None:
    assert ask_command("exec >&- 2>&-; sleep .1; exit 3").detail == "the health command exits 3"


def test_command_that_nobody_waits_for_any_more_is_ended() -> None:
    over = threading.Event()
    threading.Timer(0.1, over.set).start()
    assert not ask_command("sleep 86401", patience=LONG, is_over=over.is_set).ok
    until(lambda: not _sleepers())


def test_command_ends_with_the_task_that_asks_it(tmp_path: Path) -> None:
    """Ctrl-C ended `inv`, and its question ran on."""
    code = (
        "import os\nfrom sentinel_tasks.health.probe import ask\nfrom sentinel_tasks.health.question import Question\n"
        "from sentinel_tasks.model import Health\n"
        "ask(Question(Health('command', 'echo $$ >pid; sleep 62'), None, (), '.', lambda: os.environ, lambda: (), 60))"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL) as asking:
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
        asking.send_signal(signal.SIGINT)
    until(lambda: not psutil.pid_exists(int((tmp_path / "pid").read_text())))


def _sleepers() -> list[psutil.Process]:
    """Those below us and those whose shell has ended, which are below others."""
    return [each for each in psutil.process_iter() if _sleeps(each)]


def _sleeps(process: psutil.Process) -> bool:
    """False for one that ends while it is looked at."""
    try:
        return process.cmdline()[1:] == ["86401"]
    except psutil.NoSuchProcess:
        return False


# A line of the log


def test_line_of_the_log() -> None:
    log = ["starting", "ready in 3 ms"]
    assert ask(question(Health("log", r"in \d+ ms$"), log=lambda: log)).ok
    assert ask(question(Health("log", "^starting$"), log=lambda: log)).ok
    answer = ask(question(Health("log", "stopped"), log=lambda: log))
    assert (answer.ok, answer.detail) == (False, "no line matches 'stopped' yet")


def test_pattern_does_not_reach_across_lines() -> None:
    assert not ask(question(Health("log", r"a\s+b"), log=lambda: ["a", "b"])).ok


def test_every_kind_that_a_look_does_not_tell_can_be_asked() -> None:
    assert set(ASKS) == {name for name, kind in HEALTH_KINDS.items() if not kind.asks_nobody}
