"""The state folder: private from the first instant, never through a link, and no lock that outlives its holder."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sentinel_tasks.errors import ConfigurationError, SentinelError, StateFolderUnusable
from sentinel_tasks.model import Run
from sentinel_tasks.names import times_path
from sentinel_tasks.system import spec_fifo
from sentinel_tasks.system.locks import is_held, taken
from sentinel_tasks.system.spec_fifo import send_spec
from sentinel_tasks.system.state_folder import State, private_folder, state_root
from tests.lab import until


@pytest.fixture(autouse=True)
def _careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def state(tmp_path: Path) -> State:
    made = State(tmp_path / "state" / "sentinel" / "app-12345678")
    made.prepare()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def in_python(code: str, *words: str) -> subprocess.Popen[bytes]:
    """Another process that runs this code, with what it needs imported."""
    imports = "import sys, time; from pathlib import Path; from sentinel_tasks.system.state_folder import State"
    whole = f"{imports}\nstate = State(Path(sys.argv[1]))\n{code}"
    return subprocess.Popen([sys.executable, "-c", whole, *words], stdin=-1, stdout=-1)


# Folders


def test_folders_are_private_from_the_first_instant(state: State) -> None:
    assert [mode(each) for each in (state.folder, state.folder.parent)] == [0o700, 0o700]


def test_state_root_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/x/state")
    assert state_root() == "/x/state/sentinel"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert state_root().startswith("/home/ann/")


def test_a_home_that_is_made_on_the_way_is_closed_to_others(tmp_path: Path) -> None:
    """With umask 000 `~/.local` became 0777: whoever came first could put a state folder of his own there."""
    private_folder(tmp_path / ".local" / "state" / "sentinel")
    made = [tmp_path / ".local", tmp_path / ".local" / "state", tmp_path / ".local" / "state" / "sentinel"]
    assert [mode(each) for each in made] == [0o700] * 3


@pytest.mark.parametrize("home", ["", "relative"])
def test_without_a_usable_home_the_variables_that_help_are_named(monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    """With HOME empty, files went to `/.local`; with a relative one, below wherever the task was called."""
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", home)
    with pytest.raises(StateFolderUnusable, match="set HOME, or XDG_STATE_HOME"):
        state_root()


def test_relative_state_folder_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that was started in one folder was unknown in the next."""
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    with pytest.raises(ConfigurationError, match="must be an absolute path"):
        state_root()


def test_link_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateFolderUnusable, match="not a folder"):
        private_folder(tmp_path / "state")
    with pytest.raises(StateFolderUnusable):
        State(tmp_path / "state" / "app").prepare()


def test_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(StateFolderUnusable):
        private_folder(tmp_path / "state")
    with pytest.raises(StateFolderUnusable):
        private_folder(tmp_path / "state" / "below")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    os.chown(tmp_path / "state", 65534, 65534)
    with pytest.raises(StateFolderUnusable, match="another user"):
        private_folder(tmp_path / "state")


@pytest.mark.parametrize("loose", [0o720, 0o702, 0o777])
def test_folder_that_others_may_write_to_is_refused_and_the_way_on_is_told(tmp_path: Path, loose: int) -> None:
    (tmp_path / "state").mkdir(mode=loose)
    with pytest.raises(StateFolderUnusable, match="others may write") as caught:
        private_folder(tmp_path / "state")
    assert "{doctor} --fix" in caught.value.hint
    assert mode(tmp_path / "state") == loose


# Files


def test_files_are_private(state: State) -> None:
    fifo = state.make_fifo("web", "L1")
    state.event("web", "start", 1, "asked")
    with state.lock("web"):
        modes = {each.name: mode(each) for each in state.folder.iterdir()}
    assert modes == {fifo.name: 0o600, "events.jsonl": 0o600, "web.lock": 0o600}
    assert stat.S_ISFIFO(fifo.lstat().st_mode)


def test_events_are_appended_one_a_line(state: State) -> None:
    state.event("web", "start", 4242, "asked\nfor")
    state.event("web", "crash", None, "exit 1")
    first, second = (json.loads(line) for line in state.events.read_text().splitlines())
    assert list(first) == ["time", "service", "event", "pid", "reason"]
    assert (first["service"], first["event"], first["pid"], first["reason"]) == ("web", "start", 4242, "asked\nfor")
    assert abs(second["time"] - time.time()) < 60


@pytest.mark.parametrize("place", ["events.jsonl", "web.run.json", "web.log", "web.lock"])
def test_links_are_not_followed(state: State, tmp_path: Path, place: str) -> None:
    target = tmp_path / "target"
    target.write_text('{"launch": "L1", "launcher": 1}')
    (state.folder / place).symlink_to(target)
    state.event("web", "start", 1, "asked")
    assert state.run("web") is None
    assert not is_held(state.log("web"))
    if place == "web.lock":
        with pytest.raises(SentinelError), state.lock("web"):
            pass
    assert target.read_text() == '{"launch": "L1", "launcher": 1}'


def test_event_that_can_not_be_written_stops_nothing(tmp_path: Path) -> None:
    State(tmp_path / "missing").event("web", "start", 1, "asked")


# Records


RECORD = '{"launch": "L1", "launcher": 7, "pid": 8, "exit_code": 3, "of the future": 1}'


@pytest.fixture
def recorded(state: State) -> State:
    """With a record as a launcher writes it."""
    state.record("web").write_text(RECORD)
    state.record("web").chmod(0o600)
    return state


def test_record(recorded: State) -> None:
    assert recorded.run("web") == Run("L1", 7, 8, exit_code=3)


@pytest.mark.parametrize("what", ["record", "folder"])
def test_record_that_another_user_could_have_written_is_not_believed(recorded: State, what: str) -> None:
    (recorded.record("web") if what == "record" else recorded.folder).chmod(0o722)
    assert recorded.run("web") is None


def test_end_of_a_run_is_recorded_by_one_task_alone(recorded: State) -> None:
    told = Run("L1", 7, 8, exit_code=3)
    end = Run("L1", 7, 8, exit_code=3, ended=1.0)
    assert recorded.close_run("web", told, end, 0.0)
    assert recorded.run("web") == end
    assert mode(recorded.record("web")) == 0o600
    assert not recorded.close_run("web", told, end, 0.0)
    assert [path.name for path in recorded.folder.iterdir()] == ["web.run.json"]


def test_end_of_a_run_is_not_recorded_while_another_task_acts_on_the_service(recorded: State) -> None:
    told = Run("L1", 7, 8, exit_code=3)
    with recorded.lock("web"):
        assert not recorded.close_run("web", told, Run("L1", 7, 8), 0.0)
    assert recorded.run("web") == told


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"5", b"{}", b"\xff", b'{"pid": 1}', b'{"launch": "L", "launcher": "7"}']
)
def test_record_that_can_not_be_read_is_none(state: State, content: bytes) -> None:
    state.record("web").write_bytes(content)
    assert state.run("web") is None


def test_record_that_is_no_file_is_none_and_not_waited_for(state: State) -> None:
    """Opening a FIFO that nobody writes to never came back."""
    os.mkfifo(state.record("web"))
    assert state.run("web") is None
    os.mkfifo(state.events)
    state.event("web", "start", 1, "asked to start")


def test_record_that_was_never_written(state: State) -> None:
    assert state.run("web") is None


# Locks

HOLD = "with state.lock(sys.argv[2]): print('held', flush=True); time.sleep(60)"


def test_lock_keeps_others_out_until_it_is_given_back(state: State) -> None:
    with in_python(HOLD, str(state.folder), "web") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(SentinelError, match="another task has been acting on web"), state.lock("web", 0.1):
            pass
        with state.lock("api"):
            pass
        holder.kill()


def test_lock_is_free_once_its_holder_was_killed(state: State) -> None:
    with in_python(HOLD, str(state.folder), "web") as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        os.kill(holder.pid, signal.SIGKILL)
        with state.lock("web"):
            pass


def test_lock_is_free_after_an_error(state: State) -> None:
    with pytest.raises(ZeroDivisionError), state.lock("web"):
        raise ZeroDivisionError
    with state.lock("web"):
        pass


def test_the_lock_of_a_file_that_was_just_removed_is_none(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes next makes another file: two would have the lock."""
    path, flock = state.folder / "web.lock", fcntl.flock

    def too_late(descriptor: int, how: int) -> None:
        monkeypatch.undo()
        path.unlink()
        flock(descriptor, how)

    monkeypatch.setattr("sentinel_tasks.system.locks.fcntl.flock", too_late)
    lock = taken(str(path), 10.0)
    assert lock is not None
    assert os.path.samestat(os.fstat(lock), path.stat())
    os.close(lock)


def test_a_lock_may_be_waited_for_whatever_the_umask_of_its_holder_is(state: State) -> None:
    before = os.umask(0o777)
    try:
        with state.lock("web"):
            assert (state.folder / "web.lock").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_lock_is_had_where_no_file_has_a_mode(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, mode: int) -> None:
        raise PermissionError

    monkeypatch.setattr("sentinel_tasks.system.locks.os.fchmod", refuse)
    with state.lock("web"):
        assert is_held(state.folder / "web.lock")
    with state.lock("web", patience=0.0):
        pass


def test_of_many_at_once_one_acts_at_a_time(state: State) -> None:
    code = """
for _ in range(30):
    with state.lock("web"):
        number = int(Path(sys.argv[2]).read_text())
        Path(sys.argv[2]).write_text(str(number + 1))
"""
    counter = state.folder / "counter"
    counter.write_text("0")
    many = [in_python(code, str(state.folder), str(counter)) for _ in range(4)]
    for each in many:
        each.communicate()
        assert each.returncode == 0
    assert counter.read_text() == "120"


def test_log_is_open_while_its_writer_lives(state: State) -> None:
    assert not is_held(times_path(state.log("web")))
    writing = "from sentinel_tasks.supervisor.capture import Log; log = Log(sys.argv[2], 1000, 1)"
    code = f"{writing}; print(flush=True); time.sleep(60)"
    with in_python(code, str(state.folder), str(state.log("web"))) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert is_held(times_path(state.log("web")))
        writer.kill()
    assert not is_held(times_path(state.log("web")))


# Spec


def taker(fifo: Path) -> tuple[threading.Thread, list[bytes]]:
    """Takes the spec as the launcher does: reads them all, then removes the FIFO."""
    taken: list[bytes] = []

    def take() -> None:
        taken.append(fifo.read_bytes())
        fifo.unlink()

    thread = threading.Thread(target=take)
    thread.start()
    return thread, taken


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_orders_are_handed_over_whole_and_touch_no_disk(state: State, size: int) -> None:
    fifo = state.make_fifo("web", "L1")
    spec = {"env": {"SECRET": "x" * size}}
    thread, taken = taker(fifo)
    assert send_spec(fifo, spec)
    thread.join()
    assert json.loads(taken[0]) == spec
    assert list(state.folder.iterdir()) == []


def test_orders_that_nobody_takes(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec_fifo, "SEND_SECONDS", 0.1)
    assert not send_spec(state.make_fifo("web", "L1"), {})
    assert not send_spec(state.folder / "missing", {})


def test_taker_that_dies_half_way(state: State) -> None:
    fifo = state.make_fifo("web", "L1")
    code = "import os; print(len(os.read(os.open(sys.argv[2], os.O_RDONLY), 10)), flush=True)"
    with in_python(code, str(state.folder), str(fifo)) as reader:
        assert not send_spec(fifo, {"env": {"BIG": "x" * 1_000_000}})
        reader.communicate()


def test_sweep_removes_what_broken_starts_left_of_these_services_only(state: State) -> None:
    for service, launch in (("web", "L1"), ("web", "L2"), ("web-2", "L1"), ("db", "L1")):
        state.make_fifo(service, launch)
    for name in ("salt", "web.run.json", "web.12.draft", "web.spec"):
        (state.folder / name).touch()
    state.sweep({"web", "db"})
    assert sorted(each.name for each in state.folder.iterdir()) == ["salt", "web-2.L1.spec", "web.run.json", "web.spec"]


def test_remove_fifo_twice(state: State) -> None:
    fifo = state.make_fifo("web", "L1")
    state.remove_fifo(fifo)
    state.remove_fifo(fifo)
    until(lambda: not fifo.exists())


def test_how_many_instances_were_asked_for_is_kept_until_it_is_forgotten(state: State) -> None:
    assert state.scales() == {}
    state.note_scales({"web": (2, 5)})
    assert state.scales() == {"web": (2, 5)}
    assert stat.S_IMODE((state.folder / "scale.json").stat().st_mode) == 0o600
    (state.folder / "scale.json").write_text('{"web": "many"}')
    assert state.scales() == {}
    state.note_scales({})
    state.note_scales({})
    assert not [*state.folder.glob("scale*")]
