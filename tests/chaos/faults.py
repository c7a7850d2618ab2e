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
        if "set aside" in play.scene.flavour.name:
            # What was started may live on, and no start would start the server anew; else it has crashed.
            done = play.scene.inv(f"{WEB}.stop")
            if not play.judge.is_unreachable(done, WEB):
                play.judge.nothing_left(WEB)


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
    web = play.scene.flavour.services[WEB]
    answers = web["health"] in ("/", "tcp", "notify") and "liveness" not in web
    if name == WEB and suspended and answers and not play.scene.holders and "set aside" not in play.scene.flavour.name:
        code = play.scene.inv("web.start", "--timeout", "1").code
        play.scene.expect(code == 1, f"a suspended service is not healthy, but start ends in {code}")
    play.stop(name)


def suspend_launcher(play: Play) -> None:
    for pid in play.oracle.launchers(play.scene.some()):
        play.scene.kill(pid, signal.SIGSTOP)
    play.down()


def kill_log_pump(play: Play) -> None:
    """What a service prints is written no more: status tells that, and the next start mends it."""
    name = play.scene.some()
    pumps = play.oracle.log_pumps(name)
    if not pumps or not play.oracle.in_windows(name) or play.scene.told()[name]["state"] != "running":
        return
    for pid in pumps:
        play.scene.kill(pid, signal.SIGKILL)
    until(lambda: not still_living(pumps))
    said = play.scene.inv(f"{name}.status").said
    play.scene.expect("the log pump was killed" in said, f"a log pump that was killed is told: {said}")
    play.start(name)
    until(lambda: play.oracle.log_pumps(name), "another log pump")


def hang_service(play: Play) -> None:
    """A service that answers no more is ended, as its liveness check says, and that is told."""
    flavour = play.scene.flavour
    if "path" not in flavour.services[WEB].get("liveness", {}):
        return
    if not play.scene.holders and not play.oracle.in_windows(WEB):
        play.start(WEB)
    if not play.oracle.in_windows(WEB) or play.scene.told()[WEB]["state"] != "running":
        return
    pids = play.oracle.living(WEB)
    for pid in pids:
        play.scene.kill(pid, signal.SIGSTOP)
    until(lambda: not still_living(pids), "the end of what hangs", 45)
    if flavour.restarts(WEB):
        return
    until(lambda: not play.oracle.launchers(WEB), "the end of its launcher")
    told = play.scene.told()[WEB]
    is_told = told["state"] == "crashed" and "no longer answered" in (told["error"] or "")
    play.scene.expect(is_told, f"a service that hung is told as that: {told}")


STEPS: dict[Callable[[Play], None], int] = {
    kill_service: 4, kill_child: 2, kill_launcher: 4, suspend_service: 2, suspend_launcher: 1,
    kill_log_pump: 2, hang_service: 2,
}  # fmt: skip
