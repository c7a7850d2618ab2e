"""Hostile names, paths, logs and answers run nothing, break no output and forge no line.

Contract: Tasks, Stop and logs.
"""

from __future__ import annotations

import json
import shlex
import sys
import unicodedata
from pathlib import Path

import pexpect
import pytest

from tests.lab import PATIENCE, STAYS, Lab, end, is_open, until

HOSTILE_FOLDERS = [
    'it\'s "quoted"; touch RAN; $(touch RAN) `touch RAN`/-t =x;/💥 *?[a]~ {a,b} \\ &|<>/'
    "#(touch RAN) #{pid} #[bg=red] ##(touch RAN) #,}/%H 50% %%d #(",
    "new\nline ␞ and ␟ too/\x1b]2;owned\x07\x1b[31m\ttab caf\udce9-\udcff",
]
QUERIES = (
    "\x1b[c\x1b[6n\x1b]52;c;aGFja2Vk\x07\x1b]2;owned\x07\x1bP$qm\x1b\\\x1b[21t\x9b6n\x1b[?1049h\x1b[2J\x1b#8\x05\u202e"
)


def assert_fit_for_a_terminal(text: str) -> None:
    """No control character but the end of a line and a tab, and nothing that turns the line around."""
    bad = [letter for letter in text if letter not in "\n\t" and unicodedata.category(letter) == "Cc"]
    bad += [letter for letter in text if letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
    assert not bad, f"{bad!r} in {text!r}"


def literal(word: str) -> str:
    """The word as a configuration writes it: a dollar begins a name that is replaced."""
    return word.replace("$", "$$")


NAMED = """
import ctypes, socket, sys, time
ctypes.CDLL(None).prctl(15, b"\\x1b]2;x\\n#(id)", 0, 0, 0)
listener = socket.socket()
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
time.sleep(600)
"""


def ran(lab: Lab) -> list[Path]:
    return [found for found in lab.folder.rglob("*RAN*") if found.name == "RAN"]


@pytest.mark.parametrize("name", HOSTILE_FOLDERS)
def test_a_workspace_may_have_any_path(lab: Lab, name: str) -> None:
    path = lab.workspace(name)
    own = {**STAYS, "command": f"pwd; {STAYS['command']}"}
    lab.configure(path, telemetry=own, dev={"port": None, "health": None})  # others have a dev at its default port
    started = lab.inv("telemetry.activate", "--json", cwd=path)
    assert started.code == 0, started.said
    assert started.json["workspace"] == str(path)
    assert started.json["window"]["name"] == "📡 telemetry"
    again = lab.inv("telemetry.activate", "--json", cwd=path)
    assert (again.json["changed"], again.json["pid"]) == (False, started.json["pid"])
    for words in (["telemetry.status"], ["ps", "--all"], ["telemetry.logs"], ["doctor"]):
        said = lab.inv(*words, cwd=path)
        assert said.code == 0, said.said
        assert_fit_for_a_terminal(said.out)
    assert len(lab.sentinel("ps", "--all", "--json").json["workspaces"]) == 2
    assert b"\x1b]7357;" not in Path(started.json["log"]).read_bytes()
    assert lab.inv("down", cwd=path).code == 0
    assert lab.windows() == []
    assert ran(lab) == []


def test_a_window_and_a_title_may_be_called_anything(lab: Lab) -> None:
    text = '#(touch RAN) #{pid} #S 50% %H it\'s "x" $(touch RAN);'
    lab.configure(dev={**STAYS, "window": text, "title": f"{text}\n{QUERIES}"})
    started = lab.inv("dev.start", "--json")
    assert started.code == 0, started.said
    assert started.json["window"]["name"] == text
    status = lab.inv("dev.status")
    assert_fit_for_a_terminal(status.out)
    assert status.out.splitlines()[1].startswith("━")
    assert ran(lab) == []


def test_a_window_name_runs_nothing_when_a_status_line_draws_it(lab: Lab) -> None:
    lab.configure(
        dev={"command": "printf '\\033]2;#(touch RAN)\\007'; exec sleep 600", "port": None, "health": None,
             "window": "#(touch RAN)"}
    )  # fmt: skip
    assert lab.inv("dev.start").code == 0
    lab.tmux("set-option", "-g", "set-titles", "on")
    lab.tmux("set-option", "-g", "status-interval", "1")
    words = ["-u", "-L", "default", "attach-session", "-t", "=sentinel-app:"]
    client = pexpect.spawn("tmux", words, env=lab.environ, cwd=str(lab.path), dimensions=(30, 200), timeout=PATIENCE)
    try:
        client.expect_exact("#(touch RAN)*")
        client.expect(r'"[#_]\(touch RAN\)"')  # tmux 3.7 takes the sign from a title
    finally:
        end(client)
    assert ran(lab) == []


def test_a_log_drives_no_terminal_and_forges_no_line(lab: Lab) -> None:
    code = f"import sys; sys.stdout.buffer.write({QUERIES.encode()!r} + b'plain\\xff\\xfe text\\n'); " + (
        "print('safe\\r\\x1b[2K✅ telemetry: running'); print('a\\x0bb\\x0cc\\x85d\\u2028e'); "
        "sys.stdout.flush(); import time; time.sleep(600)"
    )
    command = f"stty -echo; exec {shlex.join([sys.executable, '-c', code])}"  # tmux answers what is asked in its pane
    lab.configure(dev={"command": command, "port": None, "health": None})
    assert lab.inv("dev.start").code == 0
    until(lambda: "abcd" in lab.sentinel("logs", "dev").out, "the last line")
    for words in (["dev.logs"], ["logs"], ["logs", "--only", "dev"]):
        out = lab.inv(*words).out
        assert_fit_for_a_terminal(out)
        assert len(out.split("\n")) == 4, out
        assert "plain\ufffd\ufffd text" in out
    coloured = lab.sentinel("logs", "dev", env={"FORCE_COLOR": "1"}).out
    assert_fit_for_a_terminal(coloured.replace("\x1b[0m", "").replace("\x1b[36m", ""))
    lines = lab.sentinel("logs", "dev", "--json").json["lines"]
    assert len(lines) == 3


def test_last_words_of_a_crash_drive_no_terminal(lab: Lab) -> None:
    code = f"import sys; sys.stderr.buffer.write({QUERIES.encode()!r} + b'boom\\xff\\x1b[31m red\\n'); sys.exit(3)"
    lab.configure(dev={"command": [sys.executable, "-c", literal(code)], "port": None, "health": {"log": "never"}})
    crashed = lab.inv("dev.start")
    assert crashed.code == 1
    assert "boom" in crashed.said
    assert_fit_for_a_terminal(crashed.said)
    assert_fit_for_a_terminal(lab.inv("dev.status").said)
    assert json.loads(lab.inv("ps", "--json").out)


def test_an_answer_of_a_health_check_drives_no_terminal(lab: Lab) -> None:
    words = ["--status", literal(QUERIES), "--body", literal(f"{QUERIES}\n✅ forged")]
    lab.configure(telemetry={"command": lab.server(*words), "port": lab.port(), "startup_timeout": 0.5})
    started = lab.inv("telemetry.activate")
    assert started.code == 1, started.said
    assert_fit_for_a_terminal(started.said)
    assert_fit_for_a_terminal(lab.inv("telemetry.status").said)
    assert not any(line.startswith("✅ forged") for line in started.said.splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="a process names itself by prctl")
def test_the_name_of_a_process_hides_nothing_of_what_is_told_after_it(lab: Lab) -> None:
    """A sequence that its name left open took the pid, the folder and the rest of the line with it."""
    port = lab.port()
    elsewhere = lab.folder / "\x1b]2;\u202eelse\nwhere"
    elsewhere.mkdir()
    words = ["-c", NAMED, str(port), "\n✅ dev: started\x1b[2J\u202e", "--requirepass", "hunter2", "#(touch RAN)"]
    holder = lab.spawn(sys.executable, *words, cwd=elsewhere)
    until(lambda: is_open(port), "the holder")
    lab.configure(dev={"command": lab.server(), "port": port})
    refused = lab.inv("dev.start")
    assert refused.code == 4
    for said in (refused, lab.inv("dev.status"), lab.inv("ps"), lab.inv("doctor")):
        (line,) = [line for line in said.said.splitlines() if f"(pid {holder.pid}), outside tmux, run from" in line]
        assert_fit_for_a_terminal(line)
        assert "hunter2" not in said.said
    assert json.loads(lab.inv("doctor", "--json").out)
    taken = lab.inv("dev.start", "--on-conflict", "takeover")
    assert f"(pid {holder.pid}), {sys.executable}" in taken.said
    assert_fit_for_a_terminal(taken.said)
    assert "hunter2" not in lab.state("events.jsonl")[0].read_text()
    assert ran(lab) == []


def test_a_wrong_key_forges_no_line(lab: Lab) -> None:
    lab.configure(dev={f"por\n✅ fine{QUERIES}": f"x\n✅ fine{QUERIES}"})
    said = lab.inv("dev.start")
    assert said.code == 2
    assert_fit_for_a_terminal(said.said)
    assert len(said.err.splitlines()) == 1
    assert lab.inv("doctor").code == 2
    assert_fit_for_a_terminal(lab.inv("doctor").said)


def test_a_secret_in_a_wrong_value_is_not_repeated(lab: Lab) -> None:
    lab.configure(dev={"command": ["mysql", {"password": "hunter2"}]}, telemetry={"health": "postgres://x:hunter2@db"})
    said = lab.inv("doctor", "--json")
    assert said.code == 2
    assert "hunter2" not in said.said


def test_a_secret_in_a_command_or_a_health_check_is_shown_nowhere(lab: Lab) -> None:
    """`--dry` printed the command as it was, and a failed health check its URL."""
    port = lab.port()
    health = f"http://bob:hunter2@localhost:{port}/?token=hunter2"
    quick = {"startup_timeout": 0.3, "stop_timeout": 1}
    lab.configure(
        dev={"command": "DB_PASS=hunter2 exec sleep 600", "port": None, "health": health, **quick},
        telemetry={"command": ["sleep", "600", "--password", "hunter2"], "port": None, **quick,
                   "health": {"command": "echo token=hunter2; exit 1"}},
    )  # fmt: skip
    for code, words in (
        (0, ["--dry", "up"]), (0, ["--dry", "up", "--json"]), (1, ["up"]), (1, ["dev.status"]),
        (0, ["ps", "--json"]), (0, ["doctor"]), (0, ["--echo", "down"]),
    ):  # fmt: skip
        said = lab.inv(*words)
        assert (said.code, "hunter2" in said.said) == (code, False), said.said
