"""A Procfile's processes: what honcho would run, under names that a service may have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from honcho.environ import parse_procfile
from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.config.procfile import Process, commands, processes, service_name
from sentinel_tasks.names import SERVICE, TASKS_OF_A_WORKSPACE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web: serve --port $PORT\nworker: work\n", {"web": "serve --port $PORT", "worker": "work"}),
        ("b: 2\na: 1", {"b": "2", "a": "1"}),
        ("# comment: x\n\n  # more: y\nweb: x", {"web": "x"}),
        ("web: echo a: b", {"web": "echo a: b"}),
        ("web:x", {"web": "x"}),
        ("no colon here\nweb: x", {"web": "x"}),
        ("web:\nworker:   ", {}),
        (" indented: x\nthe web: y\nweb : z\n\tweb: w", {}),
        ("web: x\r\nworker: y\r\n", {"web": "x", "worker": "y"}),
        ("web: echo one\x0cpage", {"web": "echo one\x0cpage"}),
        ("", {}),
    ],
)
def test_commands(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    (tmp_path / "Procfile").write_bytes(text.encode())
    assert commands(tmp_path / "Procfile") == expected
    assert list(commands(tmp_path / "Procfile")) == list(expected)


def test_procfile_that_can_not_be_read(tmp_path: Path) -> None:
    assert commands(tmp_path / "missing") == {}
    (tmp_path / "Procfile").write_bytes(b"web: x\nb: \xff")
    with pytest.raises(ValueError, match=r"^line 2 is not UTF-8"):
        commands(tmp_path / "Procfile")


def test_procfile_gives_what_honcho_would_run(tmp_path: Path) -> None:
    text = (
        "web: gunicorn app:app --bind :$PORT\nworker: celery -A app worker\n# not: this\n nor: this\n"
        "clock-1: tick # each minute\n"
    )
    (tmp_path / "Procfile").write_text(text)
    assert commands(tmp_path / "Procfile") == dict(parse_procfile(text).processes)


def made(folder: Path, text: str | bytes, **environ: str) -> dict[str, Process]:
    (folder / "Procfile").write_bytes(text if isinstance(text, bytes) else text.encode())
    return {process.name: process for process in processes(folder / "Procfile", environ)}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_hides_no_process(tmp_path: Path, encoding: str) -> None:
    """`web` was gone without a word, and `worker` was on its port."""
    found = made(tmp_path, "web: serve\nworker: work\n".encode(encoding))
    assert [*found] == ["web", "worker"]
    assert found["web"].settings["port"] == 5000


@pytest.mark.parametrize(
    ("name", "own"),
    [("logs", "logs-process"), ("2fa", "process-2fa"), ("_x", "x"), ("A_b", "a-b"), ("-", "process"), ("web-", "web")],
)
def test_a_name_that_no_service_may_have_is_changed_and_told(tmp_path: Path, name: str, own: str) -> None:
    (process,) = made(tmp_path, f"{name}: run\n").values()
    assert process.name == own
    changed = own != name.lower().replace("_", "-")
    assert process.note == (f"the Procfile calls it {name}, which no service may be called" if changed else "")


@given(st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,9}", fullmatch=True), unique=True, max_size=8))
def test_every_process_has_a_name_of_its_own(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        taken.append(service_name(name, set(taken)))
    assert len({*taken}) == len(names)
    assert all(re.match(SERVICE, name) and name not in TASKS_OF_A_WORKSPACE for name in taken)


def test_the_release_phase_runs_first(tmp_path: Path) -> None:
    """It counted as a service that ended while it was starting."""
    found = made(tmp_path, "web: serve\nrelease: migrate\nworker: work\n")
    assert found["release"].settings["health"] == "exit"
    assert "release phase" in found["release"].note
    assert found["web"].settings["depends_on"] == found["worker"].settings["depends_on"] == {"release": "completed"}


def test_a_worker_is_given_a_port_and_has_none(tmp_path: Path) -> None:
    """It was refused because a stranger listened on a port at which it never would."""
    worker = made(tmp_path, "web: serve\nworker: work\n", PORT="7000")["worker"].settings
    assert (worker["port"], worker["env"]) == (None, {"PORT": "7100"})


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("bin/rails server -p 3000 -b 0.0.0.0", 3000),
        ("PORT=3000 bundle exec puma -C config/puma.rb", 3000),
        ("env PORT=3200 node server.js", 3200),
        ("python manage.py migrate && gunicorn -b 0.0.0.0:8000 main", 8000),
        ("python manage.py runserver 0.0.0.0:8000", 8000),
        ("uvicorn main:app --port=8100", 8100),
        ("java -Dserver.port=8080 -jar app.jar", 8080),
        ("cd packages/app && pnpm start -p 4100 | cat", 4100),
        ("gunicorn app:app", 5000),
        ("gunicorn app:app --bind 0.0.0.0:$PORT", 5000),
        ("uvicorn main:app --port ${PORT:-8000}", 5000),
        ("bin/rails server -b 0.0.0.0", 5000),
        ("docker run -p 8080:80 image", 5000),
        ("uwsgi -p 4 uwsgi.ini", 5000),
        ("sh -c 'serve", 5000),
        ("gunicorn app:app -b unix:./app.sock", None),
        ("gunicorn app:app -b unix:/run/app.sock -b 127.0.0.1:8000", 8000),
    ],
)
def test_web_is_looked_for_where_its_command_listens(tmp_path: Path, command: str, port: int | None) -> None:
    """`web: bin/rails server -p 3000` failed after 30 s, because it was looked for on 5000; honcho ran it."""
    settings = made(tmp_path, f"web: {command}\n")["web"].settings
    assert (settings["port"], settings["health"]) == (port, "tcp" if port else None)


def test_a_name_that_stands_twice_is_told_with_its_lines(tmp_path: Path) -> None:
    """The last of the two ran, without a word; honcho refuses the file."""
    with pytest.raises(ValueError, match=r"^line 3 declares web again, after line 1"):
        made(tmp_path, "web: a\nworker: b\nweb: c\n")


@pytest.mark.parametrize("text", ["", "# web: x\n", "web:\n\tserve\n"])
def test_a_procfile_without_a_process_is_told(tmp_path: Path, text: str) -> None:
    """`up` said that nothing was meant, exit 0, of a file whose commands stood on lines of their own."""
    with pytest.raises(ValueError, match=r"^has no line NAME: COMMAND"):
        made(tmp_path, text)
