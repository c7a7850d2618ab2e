"""What `ps --watch` draws: in place, within any width, and in sentences for who can't see a table."""

from __future__ import annotations

import io
import os
import re
import shutil

import pytest
from msgspec.structs import replace

from sentinel_tasks.model import Progress
from sentinel_tasks.report import Style
from sentinel_tasks.report.live import Live
from sentinel_tasks.report.tables import table
from sentinel_tasks.report.watched import Changes, Screen, lines_within, sentence
from sentinel_tasks.report.width import columns
from tests.facts import NOW, report, seen, service
from tests.report.test_report import EMOJI, RUNNING, ended_report

COLOURED = Style(emoji=False, colour=True, live=True)
CRASHED = ended_report("crashed", "exit 1: 没有这样的表 " * 5)


class Terminal(io.StringIO):
    """The lines of a terminal that understands what we send."""

    def __init__(self) -> None:
        super().__init__()
        self.lines, self.row, self.is_at_start, self.across = ["$ inv ps --watch", ""], 1, True, 80

    def write(self, text: str) -> int:
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
            self._take(part)
        return len(text)

    def _take(self, part: str) -> None:
        if part == "\n":
            self.row += 1
            self.lines += [""] * (self.row >= len(self.lines))
        elif re.fullmatch(r"\x1b\[\d+A", part):
            self.row -= int(part[2:-1])
            assert self.row >= 0
        elif part == "\x1b[J":
            self.lines[self.row :] = [""]
        elif part == "\x1b[K" and self.is_at_start:
            self.lines[self.row] = ""
        elif not part.startswith(("\x1b", "\r")):
            self.lines[self.row] = part if self.is_at_start else self.lines[self.row] + part
            assert columns(self.lines[self.row]) < self.across
        self.is_at_start = part in "\r\n" or (self.is_at_start and part.startswith("\x1b"))


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = Terminal()  # whose width pytest itself asks for, too, and with a fallback
    monkeypatch.setattr(shutil, "get_terminal_size", lambda **_: os.terminal_size((made.across, 24)))
    return made


@pytest.mark.parametrize("style", [EMOJI, COLOURED])
def test_it_is_drawn_over_in_place_and_nothing_is_left_of_it(terminal: Terminal, style: Style) -> None:
    screen = Screen(terminal, style)
    for reports in ([RUNNING, CRASHED], [CRASHED], [RUNNING, RUNNING, CRASHED]):
        screen.show(lines_within(reports, style, screen.columns), NOW)
        shown = terminal.lines[1:-1]
        assert [line.split()[0] for line in shown[1:-1]] == [each.service.name for each in reports]
        assert shown[-1].endswith("Ctrl-C ends this")
    screen.clear()
    assert terminal.lines == ["$ inv ps --watch", ""]


def test_of_more_services_than_rows_the_first_are_shown(terminal: Terminal) -> None:
    screen = Screen(terminal, EMOJI)
    for _ in range(2):
        screen.show(lines_within([RUNNING] * 40, EMOJI, 80), NOW)
    assert len(terminal.lines) == 25
    assert "more" in terminal.lines[-2]


@pytest.mark.parametrize("across", [20, 32, 40, 60])
def test_a_narrow_terminal_stacks(across: int) -> None:
    lines = lines_within([RUNNING, CRASHED, report("stopped", seen(), service("数据库"))], EMOJI, across)
    assert all(columns(line) < across for line in lines)
    assert lines[0].startswith("✅ telemetry: run")
    assert lines[-1] == "❌ 数据库: stopped"
    assert lines[1].startswith("   pid 4242, up")


def test_a_wide_terminal_has_the_table_of_ps() -> None:
    assert lines_within([RUNNING], EMOJI, 80) == table([RUNNING], EMOJI).splitlines()


def test_plain_is_a_sentence_for_each_service_and_then_for_each_change() -> None:
    changes, older = Changes(), replace(RUNNING, seen=replace(RUNNING.seen, now=NOW + 500, rss_bytes=1))
    assert [*changes.of([RUNNING])] == ["telemetry: Running on port 3000, pid 4242, up 3m 12s, 84 MiB"]
    assert [*changes.of([older])] == []
    assert [*changes.of([ended_report("crashed", "exit 1: boom")])] == ["telemetry: Crashed (exit 1) 2m ago: boom"]
    assert [*changes.of([])] == ["telemetry: no longer there"]
    assert [*changes.of([RUNNING])] == [sentence(RUNNING)]


@pytest.mark.parametrize("across", [40, 30])
def test_progress_on_a_narrow_terminal_says_how_long_before_it_is_cut(terminal: Terminal, across: int) -> None:
    terminal.across = across
    live = Live(terminal, Style(emoji=True, colour=False, live=True))
    live.show([Progress(service(), "waits for a healthy database", 12.3, 30.0, lambda: "compiling")])
    assert terminal.lines[1].startswith("⏳ telemetry 12/30 s, waits")
    live.clear()
    assert terminal.lines == ["$ inv ps --watch", "", ""]
