"""The file server that `dev` runs where a project has nothing else: what it serves, to whom, and to whom not."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sentinel_tasks.config.detect import dev_command
from sentinel_tasks.supervisor import file_server
from tests.lab import PATIENCE, Lab, free_port, is_open, until

SECRET = "a secret"


class Served:
    """A folder and a server of it."""

    def __init__(self, folder: Path, *before: str) -> None:
        self.folder, self.port = folder, free_port()
        command, _ = dev_command(folder)
        with (folder.parent / "stderr").open("wb") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", "; ".join([*before, command])], cwd=folder, stdout=subprocess.DEVNULL, stderr=log,
                env={"PORT": str(self.port), "PATH": os.environ["PATH"]}, start_new_session=True,
            )  # fmt: skip
        until(lambda: is_open(self.port), "the file server")

    def ask(self, path: str, hosts: Sequence[str] = ("localhost",), method: str = "GET") -> tuple[int, str]:
        """Status and body; the path goes over the wire as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_host=True)
            for each in hosts:
                connection.putheader("Host", each)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served") / ".work" / "app"
    (folder / ".git").mkdir(parents=True)
    (folder / "sub" / ".cache").mkdir(parents=True)
    (folder / "node_modules" / ".pnpm" / "lit").mkdir(parents=True)
    (folder / "node_modules" / "lit").symlink_to(".pnpm/lit")
    for secret in (".env", ".git/config", "sub/.env", "sub/.cache/x", "../outside"):
        (folder / secret).write_text(SECRET)
    for public in ("page.html", "sub/a & b.txt", "node_modules/lit/index.js"):
        (folder / public).write_text("here")
    (folder / "link.txt").symlink_to(".env")
    (folder / "git").symlink_to(".git")
    (folder / "out.txt").symlink_to("../outside")
    os.mkfifo(folder / "fifo")
    made = Served(folder)
    yield made
    os.killpg(made.process.pid, signal.SIGKILL)
    made.process.wait(PATIENCE)


@pytest.mark.parametrize("path", ["/page.html", "/page.html?v=1", "/sub/a%20%26%20b.txt", "/node_modules/lit/index.js"])
def test_a_file_of_the_folder_is_served(served: Served, path: str) -> None:
    assert served.ask(path) == (200, "here")


@pytest.mark.parametrize(
    "path",
    [
        "/.env", "/%2eenv", "/%2Eenv", "/.git/config", "/.git/", "/sub/.env", "/sub/../.env", "/sub/.cache/x",
        "//.env", "/./.env", "/.env/", "/.env?x", "/link.txt", "/git/config", "/out.txt", "/../outside",
        "/%2e%2e/outside", "/.env%2e", "/sub%2f.env", "/%2egit%2fconfig", "/fifo", "/x%00", "http://localhost/.env",
        "http://evil.example/page.html", "/nothing",
    ],
)  # fmt: skip
def test_what_is_hidden_or_elsewhere_is_as_if_it_were_not_there(served: Served, path: str) -> None:
    """`/.env` and `/.git/config` were served to whoever asked: another user's curl, too."""
    for method in ("GET", "HEAD"):
        status, body = served.ask(path, method=method)
        assert status == 404
        assert SECRET not in body


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:3002", "LOCALHOST", "app.localhost", "127.0.0.1:80", "[::1]:80"]
)
def test_this_machine_by_its_names_is_answered(served: Served, host: str) -> None:
    assert served.ask("/page.html", [host])[0] == 200


@pytest.mark.parametrize(
    "hosts",
    [
        ["evil.example"], ["evil.example:3002"], ["localhost.evil.example"], ["127.0.0.1.evil.example"], ["10.0.0.1"],
        ["0.0.0.0:3002"], [""], [], ["localhost", "evil.example"],
    ],
)  # fmt: skip
def test_a_page_of_another_site_that_points_its_name_at_this_machine_is_refused(
    served: Served, hosts: list[str]
) -> None:
    status, body = served.ask("/page.html", hosts)
    assert (status, "ask for localhost" in body) == (403, True)


def test_a_folder_shows_what_is_served_and_nothing_else(served: Served) -> None:
    _, page = served.ask("/")
    assert [name for name in ("page.html", "sub/", "node_modules/") if f">{name}</a>" in page] == [
        "page.html", "sub/", "node_modules/"
    ]  # fmt: skip
    assert not [name for name in (".env", ".git", "link.txt", "out.txt", "fifo", "git/") if f">{name}</a>" in page]
    assert '<a href="./a%20%26%20b.txt">a &amp; b.txt</a>' in served.ask("/sub/")[1]


def test_an_index_that_is_a_link_to_a_hidden_file_is_not_served(served: Served) -> None:
    for name in ("good", "bad"):
        (served.folder / "indexes" / name).mkdir(parents=True)
    (served.folder / "indexes" / "bad" / "index.html").symlink_to("../../.env")
    (served.folder / "indexes" / "good" / "index.html").write_text("index")
    assert served.ask("/indexes/bad/")[0] == 404
    assert served.ask("/indexes/good/") == (200, "index")


def test_who_connects_and_says_nothing_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "page.html").write_text("here")
    served = Served(folder, "ulimit -n 100")
    most = min(500, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
    try:
        with contextlib.ExitStack() as silent:
            for _ in range(most):
                silent.enter_context(socket.create_connection(("127.0.0.1", served.port), PATIENCE))
            assert served.ask("/page.html") == (200, "here")
    finally:
        os.killpg(served.process.pid, signal.SIGKILL)
        served.process.wait(PATIENCE)
    assert (tmp_path / "stderr").stat().st_size < 10_000


def test_a_head_that_drips_without_end_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_server, "HEAD_SECONDS", 0.1)
    with file_server.Server(str(tmp_path), 0) as server:
        here, there = socket.socketpair()
        with here, there:
            vars(server)["_without_head"][there] = time.monotonic()

            def is_dropped() -> bool:
                server.service_actions()
                return _ended(here)

            until(is_dropped)


def _ended(connection: socket.socket) -> bool:
    with contextlib.suppress(BlockingIOError):
        return connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
    return False


def test_it_ends_quietly_when_asked_and_does_not_import_the_projects_modules(lab: Lab) -> None:
    (lab.path / "page.html").write_text("here")
    (lab.path / "http.py").write_text("raise SystemExit('the folder was imported')")
    port = lab.port()
    server = lab.spawn("sh", "-c", dev_command(lab.path)[0], env={"PORT": str(port)})
    until(lambda: is_open(port) or server.poll() is not None)
    server.send_signal(signal.SIGINT)
    assert server.wait(PATIENCE) == 0
    assert server.stderr is not None
    assert b"Traceback" not in server.stderr.read()


def test_a_port_that_can_not_be_had_is_said(lab: Lab) -> None:
    port = lab.port()
    lab.listen(port)
    words = [sys.executable, "-I", file_server.__file__, str(port)]
    done = subprocess.run(words, cwd=lab.path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"can't listen on port {port}: Address already in use\n")
    assert shlex.join(words[:3]) in dev_command(lab.path)[0]
