"""Steps that are about files: records lost and altered, disks that are full or read-only, what is left of others."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.chaos.flavours import WEB
from tests.chaos.play import Play
from tests.oracle import session

DISK_BYTES = 64 << 10
NEEDS_ROOM = "is full, and lines of the log are lost"
"""What a start is told to have failed of on a full disk: no line of the log."""


def lose_state(play: Play) -> None:
    for path in play.scene.lab.state("*.run.json"):
        if not hidden(play, service_of(path)):
            forge(play, path)
            path.unlink(missing_ok=True)


def alter_records(play: Play) -> None:
    """A record that says something else, of a neighbour even, or nothing at all; living processes count before it."""
    for path in play.scene.lab.state("w*.run.json"):
        with suppress(ValueError, FileNotFoundError):
            record = json.loads(path.read_text()) or {}
            text = play.random.choice(altered(play, record, hidden(play, service_of(path))))
            forge(play, path)
            path.write_text(text)
            play.scene.note(f"{path.name}: {text[:200]}")
    name = play.scene.some()
    if play.scene.chance(0.5):
        play.start(name)
    play.stop(name)


def altered(play: Play, record: dict[str, Any], unmarked: list[int]) -> list[str]:
    """What the record might be made; without a launcher it tells of the unmarked, or names the session they are in."""
    others = play.neighbours.others
    ended = {**record, "ended": record.get("began"), "exit_code": 0, "interrupted": True}
    of_others = {**record, "family": [[pid, 1] for pid in others]}
    if unmarked:
        are_in_session = all(session(pid) == record.get("launcher") for pid in unmarked)
        is_noted_late = record.get("ended") != record.get("began")
        return [json.dumps(of_others if are_in_session and is_noted_late else ended)]
    return [
        json.dumps(ended),
        json.dumps(of_others),
        json.dumps({**record, "pid": others[0], "launcher": others[2]}),
        json.dumps({**record, "pid": "no number", "launcher": None, "began": []}),
        json.dumps(record)[: play.random.randrange(40)],
        "null",
    ]


def hidden(play: Play, name: str) -> list[int]:
    """What lives without a launcher and without marks, or was not seen ready: its record alone tells of it."""
    if name == WEB and play.scene.flavour.notifies and not is_marked_ready(play):
        return play.oracle.living(name)
    return [] if play.oracle.launchers(name) else play.oracle.unmarked(name)


def is_marked_ready(play: Play) -> bool:
    shown = "#{&&:#{==:#{@sentinel_service},web},#{!=:#{@sentinel_ready},}}"
    return "1" in play.scene.lab.tmux("list-panes", "-a", "-F", shown).split()


def forge(play: Play, path: Path) -> None:
    """Remembers whose record will not be its own."""
    play.scene.forged[service_of(path)] = play.oracle.launchers(service_of(path))


def service_of(record: Path) -> str:
    return record.name.partition(".")[0]


def plant_stale_files(play: Play) -> None:
    for folder in (play.scene.lab.folder / "state").glob("sentinel/app-*"):
        with suppress(FileExistsError):
            os.mkfifo(folder / f"web.{play.random.randrange(10**6)}.spec", 0o600)


def plant_stale_sockets(play: Play) -> None:
    """Sockets of tmux servers that are gone."""
    for folder in (play.scene.lab.folder / "tmux").glob("tmux-*"):
        for number in range(100):
            with suppress(OSError), socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(folder / f"stale{number}"))
    play.scene.expect(play.scene.inv("ps", "--all").code == 0, "sockets of servers that are gone are passed over")


def fill_disk(play: Play) -> None:
    """A state folder without room hinders neither a start nor a stop, unless what is waited for is written there."""
    play.down()
    with small_disk(play) as small:
        (small / "filler").write_bytes(b"x" * play.random.choice((50_000, 60_000, DISK_BYTES)))
        name = play.scene.some()
        done = play.scene.inv(f"{name}.start")
        if done.code != 1 or NEEDS_ROOM not in done.said:
            play.judge.started(name, done)
        play.down()


def read_only_state(play: Play) -> None:
    """A state folder that can't be written to: a start says so or finds the service running, a stop still works."""
    with small_disk(play) as small:
        subprocess.run(["mount", "-o", "remount,ro", small], check=True)
        name = play.scene.some()
        done = play.scene.inv(f"{name}.start")
        play.scene.expect(done.code in (0, 1, 4), f"{name}.start tells of a read-only folder")
        if done.code == 0:
            play.judge.running(name)
        play.scene.inv(f"{name}.restart")
        play.stop(name)


@contextmanager
def small_disk(play: Play) -> Iterator[Path]:
    """For a while, another state folder on a disk of its own."""
    lab = play.scene.lab
    small = lab.folder / "small"
    small.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", small], check=True)
    before = lab.environ["XDG_STATE_HOME"]
    lab.environ["XDG_STATE_HOME"] = str(small)
    try:
        yield small
    finally:
        lab.environ["XDG_STATE_HOME"] = before
        subprocess.run(["umount", "-l", small], check=True)


STEPS: dict[Callable[[Play], None], int] = {
    lose_state: 1, alter_records: 3, plant_stale_files: 1, plant_stale_sockets: 1,
}  # fmt: skip
STEPS_OF_ROOT: dict[Callable[[Play], None], int] = {fill_disk: 1, read_only_state: 1}
