"""Steps in which processes are killed and suspended."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.chaos.flavours import WEB
from tests.chaos.play import Play
from tests.lab import until
from tests.oracle import still_living
from tests.watch import stat_of

MANY_KILLS = 4
"""Kills of one launch after which the pause before a restart would outlast a start's patience."""


def kill_service(play: Play) -> None:
    name = play.scene.some()
    play.scene.kills += 1
    if play.scene.flavour.restarts(name) and play.scene.kills > MANY_KILLS:
        play.scene.kills = 0
        play.stop(name)
    for pid in play.oracle.mains(name)[:1]:
        play.scene.kill(pid, signal.SIGKILL)


def kill_child(play: Play) -> None:
    if pids := play.oracle.living(WEB):
        play.scene.kills += 1
        play.scene.kill(play.random.choice(pids), signal.SIGKILL)


def kill_launcher(play: Play) -> None:
    name = play.scene.some()
    pids = play.oracle.launchers(name)
    if {*pids} & {*play.scene.forged.get(name, ())} and play.oracle.unmarked(name):
        play.scene.note(f"left out: nothing would tell of {play.oracle.unmarked(name)}, for the record was altered")
        return
    for pid in pids:
        play.scene.kill(pid, signal.SIGKILL)
    until(lambda: not still_living(pids))


def suspend_service(play: Play) -> None:
    """A service that was stopped by SIGSTOP answers nobody: no start calls it healthy, and a stop ends it."""
    name = play.scene.some()
    for pid in play.oracle.living(name):
        play.scene.kill(pid, signal.SIGSTOP)
    suspended = play.oracle.in_windows(name) and [stat_of(pid)[0] for pid in play.oracle.mains(name)] == ["T"]
    answers = play.scene.flavour.services[WEB]["health"] in ("/", "tcp")
    if name == WEB and suspended and answers and not play.scene.holders and "set aside" not in play.scene.flavour.name:
        code = play.scene.inv("web.start", "--timeout", "1").code
        play.scene.expect(code == 1, f"a suspended service is not healthy, but start ends in {code}")
    play.stop(name)


def suspend_launcher(play: Play) -> None:
    for pid in play.oracle.launchers(play.scene.some()):
        play.scene.kill(pid, signal.SIGSTOP)
    play.down()


STEPS: dict[Callable[[Play], None], int] = {
    kill_service: 4, kill_child: 2, kill_launcher: 4, suspend_service: 2, suspend_launcher: 1,
}  # fmt: skip
