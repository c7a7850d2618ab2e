"""Logs, as the contract promises them: from the first byte, whole, private, safe to show, there without a window."""

from __future__ import annotations

import json
import re
import stat
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from tests.forked import typed
from tests.lab import INV, LONG, PATIENCE, STAYS, Lab, on_terminal, until


def say(lab: Lab, command: str | list[str], **keys: Any) -> None:
    """Lets `telemetry` run this command to its end, and what it said be written."""
    lab.configure(telemetry={"command": command, "port": None, "health": "exit", "startup_timeout": LONG, **keys})
    done = lab.inv("telemetry.activate", timeout=5 * PATIENCE)
    assert done.code == 0, done.said
    until(lambda: not is_log_open(lab))


def logs(lab: Lab, *words: str, **env: str) -> list[str]:
    """The lines that `telemetry.logs` shows."""
    shown = lab.inv("telemetry.logs", *words, env=env)
    assert shown.code == 0, shown.said
    return shown.out.splitlines()


def log_files(lab: Lab) -> list[Path]:
    """The files of telemetry's log, oldest first."""
    return [path for path in lab.state("telemetry.log*")[::-1] if path.suffix not in (".times", ".runs")]


def is_log_open(lab: Lab) -> bool:
    """True until a launch has ended and been logged, and while a log writer runs."""
    with suppress(FileNotFoundError):  # it was rotated meanwhile
        has_end = any(" end " in path.read_text() for path in lab.state("telemetry.log*.runs"))
        return not has_end or any("pump.py" in command for command in lab.commands())
    return True


def numbered(count: int, width: int = 8) -> list[str]:
    """A command that prints numbered lines as fast as it can; `width` counts the newline."""
    return ["sh", "-c", f"seq -f %0{width - 1}.0f 0 {count - 1}"]


# What is shown


def test_the_first_byte_is_never_lost_however_soon_it_ends(lab: Lab) -> None:
    names = [f"quick{number}" for number in range(2)]
    declared = ", ".join(f"service({name!r})" for name in names)
    (lab.path / "tasks.py").write_text(
        f"from sentinel_tasks import service, workspace\nnamespace = workspace({declared})\n"
    )
    lab.configure(**{name: {"command": f"printf 'A{name} said all'; exit 3", "health": "exit"} for name in names})
    for launches in (1, 2):
        failed = lab.inv("up")
        assert failed.code == 1
        for name in names:
            assert failed.err.count(f"| A{name} said all") == 1, failed.err
            (path,) = lab.state(f"{name}.log")
            assert path.read_bytes().count(f"A{name} said all".encode()) == launches
    assert lab.inv("quick1.logs").out.splitlines() == ["Aquick1 said all"] * 2


def test_logs_outlive_the_service_its_window_and_its_session(lab: Lab) -> None:
    command = "echo before the crash; until test -e go; do sleep .05; done; kill -9 $$"
    lab.configure(telemetry={"command": command, "port": None, "health": {"log": "before"}})
    assert lab.inv("telemetry.activate").code == 0
    (lab.path / "go").touch()
    until(lambda: "SIGKILL" in lab.state("telemetry.run.json")[0].read_text())
    until(lambda: logs(lab) == ["before the crash"])
    lab.tmux("new-window", "-d", "-t", "=sentinel-app:", "sleep 605")
    lab.tmux("kill-window", "-t", "=sentinel-app:2")
    assert logs(lab) == ["before the crash"]
    lab.tmux("kill-server")
    assert logs(lab) == ["before the crash"]


HOSTILE = (
    r"stty -echo; printf '\033[31mred\033[0m \033]0;owned\007\033]52;c;aGk=\007\033[2J\033[6n"
    r"\033[?1049h\033Pq\033\\\033[1Aplain\r\n'"
)
REWRITTEN = r"printf '10%%\r50%%\r100%%\ndone\n10%%\r20%%\r'"


def test_lines_are_shown_whole_as_they_were_left_and_drive_no_terminal(lab: Lab) -> None:
    """Fifty of them, or as many as asked for; on a terminal colours stay, and nothing else does."""
    long = "printf '%05000dend\\n' 0"
    say(lab, rf"seq -f %05.0f 0 119; {HOSTILE}; printf 'caf\351 \200\377 ol\303\251\n'; {long}; {REWRITTEN}")
    shown = logs(lab)
    *numbers, red, latin, zeros, whole, done, last = shown
    assert numbers == [f"{number:05}" for number in range(76, 120)]
    assert (red, zeros) == ("red plain", "0" * 5000 + "end")
    assert (latin[:3], latin[-3:]) == ("caf", "olé")
    assert [whole, done, last] == ["100%", "done", "20%"]
    assert logs(lab, "--lines", "3") == shown[-3:]
    assert logs(lab, "--lines", "1000") == [*(f"{number:05}" for number in range(76)), *shown]
    assert logs(lab, "--lines", "0") == []
    document = lab.inv("telemetry.logs", "--json", env={"FORCE_COLOR": "1"}).json
    assert (document["service"], document["lines"]) == ("telemetry", shown)
    assert sorted(document["times"]) == document["times"]
    said = on_a_terminal(lab, "telemetry.logs")
    assert "\x1b[31mred\x1b[0m" in said
    assert "plain" in said
    for forbidden in ("\x1b]", "\x1b[2J", "\x1b[6n", "\x1b[?1049h", "\x1bP", "\x1b[1A", "owned", "aGk="):
        assert forbidden not in said


def test_nothing_to_show_is_said(lab: Lab) -> None:
    shown = lab.inv("telemetry.logs")
    assert (shown.code, shown.out) == (3, "")
    assert "nothing" in shown.err
    assert "inv telemetry.activate" in shown.err
    as_json = lab.inv("telemetry.logs", "--json")
    assert as_json.code == 3
    assert as_json.json["error"]


def test_a_reader_that_leaves_early_is_no_error(lab: Lab) -> None:
    say(lab, numbered(12_000))
    for follow in ([], ["--follow"]):
        words = " ".join([typed(lab), "telemetry.logs", "--lines", "12000", *follow])
        piped = lab.spawn("bash", "-c", f"set -o pipefail; {words} | head -1")
        assert piped.communicate(timeout=PATIENCE) == (b"0000000\n", b""), follow
        assert piped.returncode in (0, 141), follow


def test_following_ends_with_its_reader_although_the_service_says_no_more(lab: Lab) -> None:
    lab.configure(telemetry=STAYS)
    assert lab.inv("telemetry.activate").code == 0
    piped = lab.spawn("bash", "-c", f"{typed(lab)} telemetry.logs --follow | grep -m1 up; exit ${{PIPESTATUS[0]}}")
    assert piped.communicate(timeout=PATIENCE) == (b"up\n", b"")
    assert piped.returncode == 0


# Following


def test_following_goes_on_through_a_restart(lab: Lab) -> None:
    lab.configure(telemetry={**STAYS, "command": f"echo life $$; {STAYS['command']}"})
    assert lab.inv("telemetry.activate").code == 0
    followed = lab.path / "followed"
    lab.spawn("sh", "-c", f"exec {typed(lab)} telemetry.logs --follow > {followed}")
    until(lambda: followed.exists() and "up\n" in followed.read_text())
    assert lab.inv("telemetry.restart").code == 0
    until(lambda: followed.read_text().count("up\n") == 2)
    lives = [line for line in followed.read_text().splitlines() if line.startswith("life")]
    assert len(set(lives)) == len(lives) == 2


def test_a_slow_reader_loses_nothing_to_rotation(lab: Lab) -> None:
    count, go = 20_000, lab.path / "go"
    command = f"echo begin; until test -e {go}; do sleep 0.05; done; seq -f %07.0f 0 {count - 1}"
    lab.configure(telemetry={"command": command, "port": None, "health": "exit", "log_max_mb": 0.01, "log_backups": 1})
    lab.inv("telemetry.activate", "--no-wait")
    reader = lab.begin("telemetry.logs", "--follow")
    assert reader.stdout.readline() == b"begin\n"
    go.touch()
    until(lambda: json.loads(lab.state("telemetry.run.json")[0].read_text()).get("exit_code") == 0)
    until(lambda: not is_log_open(lab))
    seen = [int(reader.stdout.readline()) for _ in range(count)]
    assert seen == list(range(count))


# The files


def log_pump(lab: Lab) -> psutil.Process | None:
    """That of the only service, once it runs."""
    for process in lab.processes():
        with suppress(psutil.Error):  # what runs for a moment may have ended by now
            if any(word.endswith("pump.py") for word in process.cmdline()):
                return process
    return None


def is_longer(log: Path, size: int) -> bool:
    return log.stat().st_size > size


def test_a_log_pump_that_was_killed_is_told_and_mended(lab: Lab) -> None:
    """Status, doctor and start said that all was well, and the log stayed as it was for good."""
    ticks = "while echo tick; do sleep 0.1; done"
    lab.configure(telemetry={"command": ticks, "port": None, "health": {"log": "tick"}})
    assert lab.inv("telemetry.activate").code == 0
    for way in ("telemetry.activate", "telemetry.logs", "doctor --fix"):
        until(lambda: log_pump(lab), "the log pump").kill()
        until(lambda: "the log pump was killed" in lab.sentinel("status", "telemetry").out, "the note")
        (log,) = lab.state("telemetry.log")
        longer = partial(is_longer, log, log.stat().st_size)
        done = lab.inv(*way.split())
        assert "log pump" in done.said or way == "telemetry.logs", done.said
        until(longer, f"more in the log after {way}")
        assert "log pump" not in lab.sentinel("status", "telemetry").out


def test_the_log_is_rotated_by_size_only_so_many_are_kept_and_each_is_private_whatever_the_umask(lab: Lab) -> None:
    keys = {"port": None, "health": "exit", "log_max_mb": 0.1, "log_backups": 2}
    lab.configure(telemetry={"command": numbered(60_000), **keys})
    lab.spawn("sh", "-c", f"umask 000; exec {typed(lab)} telemetry.activate").communicate(timeout=PATIENCE)
    until(lambda: not is_log_open(lab))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in lab.state()}
    kept = {name for name in modes if name.startswith("telemetry.log")} - {"telemetry.log.runs"}
    assert kept == {f"telemetry.log{number}{times}" for number in ("", ".1", ".2") for times in ("", ".times")}
    assert {"telemetry.run.json", "events.jsonl"} <= {*modes}
    assert {name: oct(mode) for name, mode in modes.items() if mode != 0o600} == {}
    folders = {path.parent for path in lab.state()} | {path.parent.parent for path in lab.state()}
    assert {oct(stat.S_IMODE(folder.stat().st_mode)) for folder in folders} == {"0o700"}
    files = log_files(lab)
    assert all(path.stat().st_size <= 100_000 + 65_536 for path in files)
    lines = [line for path in files for line in path.read_bytes().split(b"\n") if line.isdigit()]
    assert [int(line) for line in lines] == list(range(60_000 - len(lines), 60_000))


def test_a_terminal_with_another_state_folder_sees_the_same_service(lab: Lab, tmp_path: Path) -> None:
    """Its logs said "nothing was ever logged here", and a service that is ready by its log stayed "starting"."""
    lab.configure(telemetry={"command": "echo ready; exec sleep 600", "port": None, "health": {"log": "^ready$"}})
    assert lab.inv("telemetry.activate").code == 0
    elsewhere = {"XDG_STATE_HOME": str(tmp_path / "elsewhere")}
    assert logs(lab, **elsewhere) == ["ready"]
    again = lab.inv("telemetry.activate", env=elsewhere)
    assert (again.code, "already running" in again.out) == (0, True), again.said
    (service,) = lab.services()
    service.kill()
    until(lambda: "Crashed (SIGKILL)" in lab.inv("telemetry.status", env=elsewhere).out)
    assert logs(lab, **elsewhere) == ["ready"]
    assert lab.inv("telemetry.stop", env=elsewhere).code == 0


# What a person sees of the runs

RUNS = "printf 'hello from %s' $$; exec sleep 600"


def on_a_terminal(lab: Lab, *words: str) -> str:
    with on_terminal(lab, INV, *words) as shown:
        return str(shown.read())


def test_logs_after_a_restart_showed_no_boundary(lab: Lab) -> None:
    """And where the last line had no newline, the next start's first one went on in it."""
    lab.configure(telemetry={"command": RUNS, "port": None, "health": {"log": "hello"}})
    assert lab.inv("telemetry.activate").code == 0
    assert lab.inv("telemetry.restart").code == 0
    first, between, second = on_a_terminal(lab, "telemetry.logs").splitlines()
    assert ("hello" in first, "hello" in second) == (True, True)
    assert re.search(r"━━ another run began at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", between)
    assert logs(lab) == [first, second], "off a terminal, only what was printed"
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"
    assert re.fullmatch(rf"({stamp} hello from \d+\n){{2}}", lab.inv("telemetry.logs", "--timestamps").out)
    assert re.fullmatch(rf"({stamp} telemetry +\| hello from \d+\n){{2}}", lab.inv("logs", "--timestamps").out)
