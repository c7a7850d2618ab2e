"""Steps that are everything that a person, a crash or a configuration does to tmux and its windows."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from tests.chaos.play import Play
from tests.lab import until
from tests.oracle import still_living
from tests.watch import stat_of

CONFIGURATIONS = (
    "set -g base-index 5\nset -g renumber-windows on\n",
    "set -g remain-on-exit off\nset -g destroy-unattached off\nset -g allow-rename on\nset -g automatic-rename on\n",
    "set-hook -g after-new-window 'rename-window hooked'\nset-hook -g after-split-window 'select-layout tiled'\n",
    "set-hook -g after-new-session 'new-window -d \"sleep 3600\"'\nset -g default-command '/bin/sh'\n",
    "set-hook -g pane-exited 'display-message gone'\nset -g history-limit 10\n",
)


def kill_server(play: Play) -> None:
    play.neighbours.forget_guests()
    names = below_launchers(play)
    server = play.scene.lab.tmux("display-message", "-p", "#{pid}")
    if server and play.scene.chance(0.5):
        play.scene.kill(int(server), signal.SIGKILL)
    else:
        play.scene.lab.tmux("kill-server")
    gone_with_their_windows(play, names)


def kill_window(play: Play) -> None:
    window = random_window(play)
    forget_guests_in(play, "-t", window)
    play.scene.lab.tmux("kill-window", "-t", window)


def kill_session(play: Play) -> None:
    forget_guests_in(play, "-s", "-t", "=sentinel-app:")
    inside = play.scene.lab.tmux("list-panes", "-s", "-t", "=sentinel-app:", "-F", "#{pane_pid}").split()
    names = [name for name in below_launchers(play) if str(play.oracle.launchers(name)[0]) in inside]
    play.scene.lab.tmux("kill-session", "-t", "=sentinel-app:")
    if play.scene.chance(0.5):
        gone_with_their_windows(play, names)


def forget_guests_in(play: Play, *place: str) -> None:
    """A person's panes are about to be ended by a person, who moved them there."""
    inside = play.scene.lab.tmux("list-panes", *place, "-F", "#{pane_pid}").split()
    play.neighbours.guests = [pid for pid in play.neighbours.guests if str(pid) not in inside]


def below_launchers(play: Play) -> list[str]:
    """The services that hang on a window: a launcher that is not held has them below it."""
    names = [name for name in play.scene.names if not play.scene.flavour.is_of_nobody(name)]
    launchers = {name: play.oracle.launchers(name) for name in names}
    return [name for name, pids in launchers.items() if pids and not any(map(is_suspended, pids))]


def gone_with_their_windows(play: Play, names: list[str]) -> None:
    """The window goes, the service goes: by itself, within a stop's own limits."""
    with suppress(AssertionError):
        until(lambda: not any(map(play.judge.everything, names)), seconds=12)
    play.judge.nothing_left(*names)


def is_suspended(pid: int) -> bool:
    return stat_of(pid)[:1] == ["T"]


def open_own_window(play: Play) -> None:
    """A person opens a window of their own in our session, which nothing that we do may end."""
    words = ("new-window", "-d", "-P", "-F", "#{pane_pid}", "-t", "=sentinel-app:", "sleep 3600")
    play.neighbours.guests += map(int, play.scene.lab.tmux(*words).split())


def rename_and_move(play: Play) -> None:
    """A person renames our window, moves it about, or puts its pane elsewhere."""
    lab, window = play.scene.lab, random_window(play)
    lab.tmux("rename-window", "-t", window, play.random.choice(["x", "#{pid}", "a b", "📡"]))
    place = str(play.random.randrange(20, 90))
    moves = (
        ("move-window", "-s", window, "-t", f"=sentinel-app:{place}"),
        ("move-window", "-s", window, "-t", "=mine:"),
        ("break-pane", "-d", "-s", window),
        ("join-pane", "-d", "-s", window, "-t", "=mine:"),
        ("swap-pane", "-d", "-s", window, "-t", "=mine:"),
        ("rename-session", "-t", "=sentinel-app", "renamed"),
        ("split-window", "-d", "-P", "-F", "#{pane_pid}", "-t", window, "sleep 3600"),
    )
    said = lab.tmux(*play.random.choice(moves))
    play.neighbours.guests += [int(pid) for pid in said.split() if pid.isdecimal()]


def respawn_by_hand(play: Play) -> None:
    """A person puts a shell of their own into our window: it is theirs from then on."""
    window = random_window(play)
    forget_guests_in(play, "-t", window)
    play.scene.lab.tmux("respawn-window", "-k", "-t", window, "sleep 5")


def random_window(play: Play) -> str:
    ours = ("-f", "#{!=:#{@sentinel_service},}")
    windows = play.scene.lab.tmux("list-windows", "-t", "=sentinel-app:", "-F", "#{window_id}", *ours).split()
    return play.random.choice(windows) if windows else "@999"


def plant_stale_windows(play: Play) -> None:
    """Windows of somebody else whose commands have ended."""
    window = ("new-window", "-d", "-t", "=stale:", "true", ";")
    play.scene.lab.tmux("new-session", "-d", "-s", "stale", "sleep 3600", ";", "set-option", "remain-on-exit", "on")
    play.scene.lab.tmux("set-option", "-g", "remain-on-exit", "on", ";", *window * 100)


def another_tmux_conf(play: Play) -> None:
    """A person's own configuration, read now and by every later server."""
    path = play.scene.lab.folder / "home" / ".tmux.conf"
    path.write_text(play.random.choice(CONFIGURATIONS))
    play.scene.lab.tmux("source-file", str(path))


def lose_socket(play: Play) -> None:
    """The socket of the server is removed: its windows are still ours, nothing runs twice, and a stop ends them."""
    server = play.scene.lab.tmux("display-message", "-p", "#{pid}")
    path = play.scene.lab.folder / "tmux" / f"tmux-{os.getuid()}" / "default"
    if not server or not path.exists():
        return
    path.unlink()
    name = play.scene.some()
    before = play.judge.everything(name)
    done = play.scene.inv(f"{name}.start")
    if before and not play.scene.flavour.restarts(name):
        twice = {*play.oracle.launchers(name)} - {*before}
        play.scene.expect(
            not twice or not still_living(before), f"{name} runs once: {before}, and {twice}: {done.said}"
        )
    servers = {server, play.scene.lab.tmux("display-message", "-p", "#{pid}")} - {""}
    if play.scene.chance(0.5):
        play.scene.kill(int(server), signal.SIGUSR1)
        until(path.exists, "the socket")
    else:
        play.down()
    play.neighbours.forget_guests()
    names = below_launchers(play)
    for pid in servers:  # of which the start may have opened one: the other one's socket was gone
        play.scene.kill(int(pid), signal.SIGKILL)
    gone_with_their_windows(play, names)
    with suppress(FileNotFoundError):
        path.unlink()


def hang_server(play: Play) -> None:
    """A tmux server that is held answers nobody: a task says so in time, and works once it goes on."""
    server = play.scene.lab.tmux("display-message", "-p", "#{pid}")
    if not server:
        return
    name, verb = play.scene.some(), play.random.choice(("status", "stop", "start"))
    play.scene.kill(int(server), signal.SIGSTOP)
    process = play.scene.begin(f"{name}.{verb}")
    if play.scene.chance(0.5):
        time.sleep(1)
        play.scene.kill(int(server), signal.SIGCONT)
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        play.scene.expect(False, f"{name}.{verb} ends in time beside a tmux server that hangs")
    finally:
        play.scene.kill(int(server), signal.SIGCONT)
    play.scene.finish(process)
    play.start(name)


STEPS: dict[Callable[[Play], None], int] = {
    kill_server: 3, kill_window: 3, kill_session: 2, open_own_window: 2, rename_and_move: 3, respawn_by_hand: 1,
    plant_stale_windows: 1, another_tmux_conf: 1, lose_socket: 2, hang_server: 1,
}  # fmt: skip
