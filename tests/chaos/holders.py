"""Steps in which somebody else holds, takes or shares the port of web."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from tests.chaos.flavours import WEB
from tests.chaos.play import Play
from tests.chaos.scene import Holder
from tests.lab import INV, until
from tests.oracle import is_port_open, still_living
from tests.watch import is_living

KINDS = ("elsewhere", "inside", "inside with children", "ipv6", "pane", "tmux")
LISTENING_TMUX = """
import socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.set_inheritable(True)
tmux = ["tmux", "-L", "holder", "new-session", "-d", "-P", "-F", "#{pid} #{pane_pid}", "sleep 3600"]
print(subprocess.run(tmux, close_fds=False, check=True, capture_output=True, text=True).stdout)
"""
RUNNER = """
import json, socket, subprocess, sys
port, roster, server, *command = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", int(port)))
editor = subprocess.Popen([sys.executable, server, "--roster", roster], stdout=subprocess.DEVNULL)
done = subprocess.run(command, capture_output=True, text=True)
told = {"code": done.returncode, "said": done.stdout + done.stderr}
print(json.dumps({**told, "editor": editor.pid, "end": editor.poll()}))
editor.kill()
editor.wait()
"""


def can_be_taken(play: Play) -> bool:
    """True while web has a port of its own that nobody holds."""
    port = play.scene.flavour.port
    idle = not play.judge.everything(WEB) and not play.scene.holders
    return port is not None and idle and not is_port_open(port)


def place(play: Play, kind: str) -> Holder:
    """Puts a holder of this kind on web's port."""
    scene, lab, port = play.scene, play.scene.lab, str(play.scene.flavour.port)
    words = lab.server("--port", port, "--roster", str(scene.roster))
    if kind == "tmux":
        told = scene.finish(scene.spawn(sys.executable, "-c", LISTENING_TMUX, port)).out.split()
        return Holder(None, (int(told[0]), int(told[1])), is_inside=True, is_protected=True)
    if kind == "pane":
        lab.tmux("kill-session", "-t", "=holder")  # the window of an earlier one may have stayed
        pid = lab.tmux("new-session", "-d", "-P", "-F", "#{pane_pid}", "-s", "holder", f"exec {' '.join(words)}")
        wait_for_port(play, int(pid))
        return Holder(None, (int(pid),), is_inside=True, is_protected=True)
    more = {"ipv6": ["--host", "::1", "--only-ipv6"], "inside with children": ["--children", "2"]}.get(kind, [])
    inside = kind.startswith("inside")
    process = lab.spawn(*words, *more, cwd=lab.path if inside else scene.elsewhere)
    wait_for_port(play, process.pid)
    return Holder(process, (process.pid,), is_inside=inside)


def wait_for_port(play: Play, pid: int) -> None:
    until(lambda: pid in play.oracle.listeners(play.scene.flavour.port or 0) or not is_living(pid), "the holder")


def steal_port(play: Play) -> None:
    """Somebody is on the port first: a start does what its policy says, and nothing else."""
    if not can_be_taken(play):
        return
    kind = play.random.choice(KINDS)
    holder = place(play, kind)
    play.scene.note(f"{kind}: {holder.pids} on {play.scene.flavour.port}")
    play.scene.holders.append(holder)
    play.start(WEB)
    if play.scene.flavour.policy == "auto" or play.scene.chance(0.3):
        give_port_back(play)


def start_below_the_holder(play: Play) -> None:
    """The holder is our own ancestor, and has an editor beside us: nothing of it may be touched."""
    if not can_be_taken(play):
        return
    server = play.scene.lab.server()[1]
    words = [sys.executable, "-c", RUNNER, str(play.scene.flavour.port), str(play.scene.roster), server]
    done = play.scene.finish(play.scene.spawn(*words, INV, "web.start"))
    told = json.loads(done.out)
    wanted = 0 if play.scene.flavour.policy == "auto" else 4
    play.scene.expect(told["code"] == wanted, f"a holder above the task is left alone: {told}")
    play.scene.expect(told["end"] is None, f"nor is what else it runs: {told}")
    received = play.oracle.received([told["editor"]])
    play.scene.expect(not any(received.values()), f"nor does that receive a signal: {received}")


def race_for_port(play: Play) -> None:
    """Somebody binds the port between our look and the service's own bind, or a moment before or after."""
    if not can_be_taken(play):
        return
    scene = play.scene
    starting = scene.begin("web.start")
    time.sleep(play.random.uniform(0.1, 0.8))
    thief = scene.lab.spawn(*scene.lab.server("--port", str(scene.flavour.port)), cwd=scene.elsewhere)
    done = scene.finish(starting)
    scene.expect(done.code in (0, 1, 4), "a start that races for its port ends in a code of its own")
    with suppress(Exception):
        thief.wait(0.3)
    lives = thief.poll() is None
    if done.code == 0 and scene.flavour.policy != "auto" and not lives:
        play.judge.running(WEB)
    elif done.code != 0:
        scene.expect(lives or scene.flavour.policy == "takeover", "whoever took the port is left alone")
    if lives:
        os.killpg(thief.pid, signal.SIGKILL)
        thief.communicate()
    play.stop(WEB)


def share_port(play: Play) -> None:
    """A stranger shares the port of a service that lets it: whoever may answer must be ours, else it is a conflict."""
    if not play.scene.flavour.is_shared or play.scene.holders or not play.oracle.in_windows(WEB):
        return
    port = play.scene.port()
    words = play.scene.lab.server("--port", str(port), "--reuse-port", "--tell-pid")
    stranger = play.scene.lab.spawn(*words, cwd=play.scene.elsewhere)
    until(lambda: stranger.pid in play.oracle.listeners(port or 0), "the stranger")
    state = play.scene.told()[WEB]["state"]
    play.scene.expect(state == "conflict", f"a port that a stranger shares is a conflict, not {state}")
    play.scene.expect(stranger.poll() is None, "a stranger that shares the port is left alone")
    os.killpg(stranger.pid, signal.SIGKILL)
    stranger.communicate()


def give_port_back(play: Play) -> None:
    for holder in play.scene.holders:
        for pid in holder.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if holder.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(holder.process.pid, signal.SIGKILL)
            holder.process.communicate()
    pids = [pid for holder in play.scene.holders for pid in holder.pids]
    until(lambda: not still_living(pids))
    play.scene.holders.clear()


STEPS: dict[Callable[[Play], None], int] = {
    steal_port: 5, start_below_the_holder: 1, race_for_port: 3, share_port: 2, give_port_back: 4,
}  # fmt: skip
