"""Steps in which a task is sent to another tmux server than the one before."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.play import Play
from tests.chaos.windows import gone_with_their_windows
from tests.oracle import SECOND, still_living, tmux


def from_another_server(play: Play) -> None:
    """A task that is sent to another tmux server finds what runs here: nothing runs twice, and a stop ends it."""
    folder, name = play.scene.lab.folder / "tmux-elsewhere", play.scene.some()
    folder.mkdir(mode=0o700, exist_ok=True)
    before, launchers = play.judge.everything(name), {each: play.oracle.launchers(each) for each in play.scene.names}
    if not play.oracle.in_windows(name) or play.scene.flavour.restarts(name):
        return
    done = play.scene.inv(f"{name}.start", TMUX_TMPDIR=str(folder))
    twice = {*play.oracle.launchers(name)} - {*before}
    play.scene.expect(not twice or not still_living(before), f"{name} runs once: {before}, and {twice}: {done.said}")
    done = play.scene.inv(f"{name}.stop", TMUX_TMPDIR=str(folder))
    play.judge.stopped(done, {name: before}, name)
    for each in play.scene.names:
        if {*play.oracle.launchers(each)} - {*launchers[each]}:
            play.stop(each)  # it was needed by what was started, and was started there


def start_elsewhere(play: Play) -> None:
    """One service runs on another tmux server than the rest: each task finds it, and nothing runs twice."""
    folder, name = play.scene.lab.folder / "tmux-elsewhere", play.scene.some()
    folder.mkdir(mode=0o700, exist_ok=True)
    keys = play.random.choice(({"TMUX_TMPDIR": str(folder)}, {"INVOKE_SENTINEL_SOCKET_NAME": SECOND}))
    play.stop(name)
    play.scene.note(f"on another server: {keys}")
    play.judge.started(name, play.scene.inv(f"{name}.start", **keys))
    play.judge.status()
    play.random.choice((found_from_here, moved_here, ended_from_here, gone_with_its_server))(play, name)
    for each in play.scene.names:
        if {*play.oracle.launchers(each)} - {*here(play)}:
            play.stop(each)
    for path in play.oracle.other_sockets():
        tmux(path, "kill-server")


def found_from_here(play: Play, name: str) -> None:
    before = play.oracle.launchers(name)
    play.start(name)
    is_same = play.oracle.launchers(name) == before or not before or play.scene.flavour.restarts(name)
    play.scene.expect(is_same, f"{name}, which runs on another server, runs on: {before}")


def moved_here(play: Play, name: str) -> None:
    play.start(name, "restart")
    if play.oracle.in_windows(name):
        play.scene.expect(
            {*play.oracle.launchers(name)} <= {*here(play)}, f"{name} was moved to the server of the task"
        )


def ended_from_here(play: Play, name: str) -> None:
    play.stop(name) if play.scene.chance(0.5) else play.down()


def gone_with_its_server(play: Play, name: str) -> None:
    del name
    names = [each for each in play.scene.names if not play.scene.flavour.is_of_nobody(each)]
    names = [each for each in names if {*play.oracle.in_windows(each)} - {*here(play)}]
    for path in play.oracle.other_sockets():
        tmux(path, "kill-server")
    gone_with_their_windows(play, names)


def here(play: Play) -> list[int]:
    """What the panes of the workspace's own server run."""
    return [int(pid) for pid in play.scene.lab.tmux("list-panes", "-a", "-F", "#{pane_pid}").split()]


STEPS: dict[Callable[[Play], None], int] = {from_another_server: 1, start_elsewhere: 3}
