"""Every command in a `console` block of the documentation is typed, in order, and prints what the page shows."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest

from tests.docs.page import DOCS, Typed, Written, commands_and_outputs, pattern, steps
from tests.lab import INV, Lab, is_traceback, zygote

NOT_FOLLOWED = {"how-to/hand-over.md"}
"""Pages whose commands need what no test machine has; tests/export runs the like of them."""
PAGES = {page.relative_to(DOCS).as_posix(): page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
FOLLOWED = [name for name, text in PAGES.items() if commands_and_outputs(text)[0] and name not in NOT_FOLLOWED]
PLAIN = re.compile(r"inv [\w ,.:=/-]+")
"""Commands that mean the same to a shell and to us."""
LONGEST = 150.0
"""Seconds for one command, which may start three services in a row: each one's own `startup_timeout` is 30 s."""
USUAL_PORTS = {"WORKER_API_PORT": "3000", "DEV_SERVER_PORT": "3002"}


class Reader:
    """Somebody who follows a page in a folder `shop`; the usual ports are others here, and read as usual."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.path = lab, lab.workspace("shop")
        self.ports = {name: str(lab.port()) for name in USUAL_PORTS}

    def follow(self, step: Written | Typed) -> None:
        if isinstance(step, Written):
            (self.path / step.name).write_text(step.text, encoding="utf-8")
        else:
            self._type(step)

    def _type(self, step: Typed) -> None:
        code, printed = self._run(step.command)
        said = self._as_usual(printed)
        assert not is_traceback(said), said
        assert code == step.code, f"$ {step.command}\n{said}"
        if step.output:
            assert pattern(step.output).fullmatch(said), f"$ {step.command}\n{said}\nbut the page says\n{step.output}"

    def _run(self, command: str) -> tuple[int, str]:
        """Exit code and output; a shell is only used for what needs one."""
        environ = {**self.lab.environ, **self.ports}
        if PLAIN.fullmatch(command):
            said = zygote().run([INV, *shlex.split(command)[1:]], self.path, environ, LONGEST, merged=True)
            return said.code, said.out
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.path, env=environ, timeout=LONGEST,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout.decode()

    def _as_usual(self, said: str) -> str:
        """What it says with the usual ports, in the reader's home, and without the lines that are for no terminal."""
        for name, port in self.ports.items():
            said = said.replace(port, USUAL_PORTS[name])
        said = said.replace(str(self.path), "/home/me/shop")
        return "".join(line for line in said.splitlines(keepends=True) if not line.startswith("⏳"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", FOLLOWED)
def test_who_follows_the_page_sees_what_it_shows(name: str, lab: Lab) -> None:
    reader = Reader(lab)
    for step in steps(PAGES[name]):
        reader.follow(step)
    reader.follow(Typed("inv down", "", 0))


def test_a_page_shows_any_text_and_any_lines_by_an_ellipsis() -> None:
    shown = pattern("a … c\n…\nend\n")
    assert shown.fullmatch("a b c\nx\ny\nend\n")
    assert shown.fullmatch("a b c\nend\n")
    assert not shown.fullmatch("a b d\nend\n")
    assert not shown.fullmatch("a b c\nend\nmore\n")


def test_a_command_is_told_from_what_it_prints() -> None:
    page = '```text title="a"\nx\n```\n\n<!-- exits 3 -->\n```console\n$ one\n$ two\nsaid\n```\n'
    assert [*steps(page)] == [Written("a", "x\n"), Typed("one", "", 0), Typed("two", "said\n", 3)]
