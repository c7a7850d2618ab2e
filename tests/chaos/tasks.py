"""Steps that are tasks: as typed, at once, broken off, with another clock, with small limits, without streams."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.chaos.flavours import WEB, WORK
from tests.chaos.play import Play
from tests.lab import INV

HAS_FAKETIME = shutil.which("faketime") is not None
ENDINGS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSTOP)
LIMITS = ("-n 48", "-f 8", "-f 0", "-s 512", "-c 0")


def start(play: Play) -> None:
    play.start(play.scene.some())


def stop(play: Play) -> None:
    play.stop(play.scene.some())


def restart(play: Play) -> None:
    play.start(play.scene.some(), "restart")


def up(play: Play) -> None:
    done = play.scene.inv("up")
    if play.judge.is_unreachable(done, *play.scene.names):
        return
    wanted = play.judge.code_of_a_start(WEB)
    play.scene.expect(done.code == wanted, f"up starts all that nothing is in the way of, not {done.code}")
    play.judge.holders()
    play.judge.running(WORK)
    if done.code == 0:
        play.judge.running(WEB)


def down(play: Play) -> None:
    play.down()


def configured_anew(play: Play) -> None:
    """Another configuration, once all has been stopped under the old one."""
    play.down()
    if not play.scene.holders:
        play.scene.configure()
    if play.scene.chance(0.5):
        up(play)


def hurt_task(play: Play) -> None:
    """Any signal to our own process at a random moment; the next must not be hindered."""
    name, number = play.scene.some(), play.random.choice(ENDINGS)
    words = play.random.choice([f"{name}.start", f"{name}.stop", f"{name}.restart", "up", "down", "doctor --fix"])
    process = play.scene.begin(*words.split())
    with suppress(subprocess.TimeoutExpired):
        process.wait(play.random.uniform(0.0, 0.9))
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    play.scene.note(f"inv {words}: {number.name}")
    if number == signal.SIGSTOP:
        time.sleep(0.5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
    play.scene.finish(process)
    play.judge.status()
    if play.scene.chance(0.5):
        play.stop(name)
    play.start(name)


def two_starts(play: Play) -> None:
    name = play.scene.some()
    for process in [play.scene.begin(f"{name}.start") for _ in range(2)]:
        play.judge.started(name, play.scene.finish(process))


def start_and_stop(play: Play) -> None:
    name = play.scene.some()
    for process in [play.scene.begin(f"{name}.{verb}") for verb in ("start", "stop")]:
        play.scene.finish(process)
    play.stop(name)


def two_of_many(play: Play) -> None:
    """Any two tasks at once, of the whole workspace too."""
    words = ["up", "down", "restart", "web.restart", "work.stop", "work.start", "web.stop", "doctor --fix"]
    for process in [play.scene.begin(*play.random.choice(words).split()) for _ in range(2)]:
        play.scene.finish(process)
    play.down()


def doctor(play: Play) -> None:
    """Whatever it finds, it ends nothing that runs below a launcher."""
    before = {pid for name in play.scene.names for pid in play.oracle.mains(name)}
    done = play.scene.inv("doctor", *play.random.choice((["--fix"], [])))
    play.scene.expect(done.code in (0, 1), f"the doctor ends in a code of its own, not {done.code}")
    steady = {pid for pid in before if not any(map(play.scene.flavour.restarts, play.scene.names))}
    ended = steady - {pid for name in play.scene.names for pid in play.oracle.living(name)}
    play.scene.expect(not ended, f"the doctor ends no running process: {ended}")


def without_streams(play: Play) -> None:
    """Standard output closed, or its reader gone, changes nothing of what a task does."""
    name, verb = play.scene.some(), play.random.choice(("start", "stop", "status"))
    before = play.oracle.living(name)
    way = play.random.choice(('"$@" >&-', '"$@" >&- 2>&-', '"$@" | true; exit ${PIPESTATUS[0]}', '"$@" <&-'))
    done = play.scene.finish(play.scene.spawn("bash", "-c", way, "bash", INV, f"{name}.{verb}"))
    play.judged(done, verb, name, [] if ">&-" in way or "|" in way else before)


def small_limits(play: Play) -> None:
    """Little of everything for one task, and for what it starts: it works or says why not, and the next one works."""
    name, limit = play.scene.some(), play.random.choice(LIMITS)
    for verb in ("start", "status", "stop"):
        words = f'ulimit {limit}; exec "$@"'
        done = play.scene.finish(play.scene.spawn("bash", "-c", words, "bash", INV, f"{name}.{verb}"))
        known = (0, 1, 3, 4, -signal.SIGXFSZ, 128 + signal.SIGXFSZ)
        play.scene.expect(done.code in known, f"under ulimit {limit} a {verb} ends in {done.code}")
    play.down()
    play.neighbours.forget_guests()
    play.scene.lab.tmux("kill-server")
    play.start(name)


def jump_in_time(play: Play) -> None:
    """A clock that is days ahead for one command after the other."""
    if not HAS_FAKETIME:
        play.scene.note("left out: there is no faketime")
        return
    name = play.scene.some()
    for verb in ("start", "status", "stop"):
        before = play.oracle.living(name)
        done = play.scene.finish(play.scene.spawn("faketime", "+3 days", INV, f"{name}.{verb}"))
        if "sem_open" in done.err:
            play.scene.note("left out: faketime itself did not begin")
            return
        play.judged(done, verb, name, before)


def step_of_the_clock(play: Play) -> None:
    """The clock is set inside a command: for it alone, another file lies where the kernel tells when it booted."""
    clock, name = play.scene.lab.folder / "stat", play.scene.some()
    text = Path("/proc/stat").read_text()
    boot = int(text.partition("btime ")[2].split()[0])
    clock.write_text(text)
    for verb in play.random.choice((("start", "stop"), ("stop", "start"), ("restart", "stop"))):
        before = play.oracle.living(name)
        mounted = f'mount --bind {clock} /proc/stat && exec "$@"'
        process = play.scene.spawn("unshare", "-m", "sh", "-c", mounted, "sh", INV, f"{name}.{verb}")
        with suppress(subprocess.TimeoutExpired):
            process.wait(play.random.uniform(0.2, 0.9))
        step = play.random.choice((-3600, -2, -1, 1, 2, 3600))
        clock.write_text(text.replace(f"btime {boot}", f"btime {boot + step}"))
        play.scene.note(f"the clock is set by {step} s")
        play.judged(play.scene.finish(process), verb, name, before)


STEPS: dict[Callable[[Play], None], int] = {
    start: 6, stop: 5, restart: 3, up: 4, down: 2, configured_anew: 6, hurt_task: 8, two_starts: 2, start_and_stop: 2,
    two_of_many: 2, doctor: 2, without_streams: 2, small_limits: 1, jump_in_time: 1,
}  # fmt: skip
STEPS_OF_ROOT: dict[Callable[[Play], None], int] = {step_of_the_clock: 2}
