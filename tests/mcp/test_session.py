"""A session with the official client, in which something like a model starts a project and mends what it finds.

Contract: MCP.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sentinel_tasks.mcp.pages import MOST
from tests.forked import with_programs
from tests.lab import LONG, SENTINEL, Lab, until

if TYPE_CHECKING:
    from mcp.client.session import ClientSession

READS = {"status", "ps", "wait", "logs", "why", "env", "doctor"}
SLOW = 5
"""Seconds in which a service gets as far as it will, on a machine with much else to do."""
ENDS = {"health": {"log": "ready"}}
"""Of a service that ends: without a health check it runs if that takes longer than a second."""
ACTS = {"up", "down", "start", "stop", "restart", "run", "gc"}


class Told:
    """One answer: its document, what is beside it, and all of it as a model reads it."""

    def __init__(self, result: Any) -> None:
        self.texts = [each.text for each in result.content]
        self.text, self.is_error = "\n".join(self.texts), result.is_error
        assert len(self.text) <= 2 * MOST
        self.document = json.loads(self.texts[0])
        self.beside = json.loads(self.texts[1]) if len(self.texts) > 1 else {}


class Model:
    """Calls tools, also those that an answer says to call next."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def call(self, tool: str, **arguments: Any) -> Told:
        return Told(await self.session.call_tool(tool, arguments))

    async def until(self, holds: Callable[[Told], bool], tool: str, **arguments: Any) -> None:
        """Asks again, each time a process of its own, until the answer is as wanted; the test's time limits it."""
        if not holds(await self.call(tool, **arguments)):
            await asyncio.sleep(0.1)
            await self.until(holds, tool, **arguments)

    async def next(self, told: Told, key: str = "next_call") -> Told:
        call = told.beside[key]
        return await self.call(call["tool"], **call["arguments"])


def with_forking_python(lab: Lab) -> Path:
    """A folder with a `python` that has our packages, beside which the program is one that runs in forks.

    For many calls that all end by themselves: a signal would not reach the fork.
    """
    folder = lab.folder / "forking"
    folder.mkdir()
    with_programs(folder / "bin", "")
    (folder / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (folder / "lib").symlink_to(Path(sys.prefix, "lib"))
    shutil.copy(Path(sys.prefix, "pyvenv.cfg"), folder)
    return folder / "bin"


def in_session(lab: Lab, work: Callable[[Model], Awaitable[object]], python: str) -> None:
    """Does it with a server of its own, started as a client would."""
    # Here, or each worker would be half a second later with its collection.
    from mcp.client.session import ClientSession
    from mcp.client.stdio import StdioServerParameters, stdio_client

    async def run() -> None:
        server = StdioServerParameters(command=python, args=["-m", "sentinel_tasks.mcp"], env=lab.environ, cwd=lab.path)
        async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as session:
            await session.initialize()
            await work(Model(session))

    asyncio.run(run())


def says(*lines: str, code: int = 1) -> str:
    """A command that prints these lines and ends."""
    return "; ".join([*(f"echo {shlex.quote(line)} >&2" for line in lines), f"exit {code}"])


def planted(lab: Lab, held: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """Services that fail, and what the cause is to say."""
    python = shlex.quote(sys.executable)
    other = lab.port()
    return {
        "unhealthy": ("500", {
            "command": lab.server("--status", "500"), "port": lab.port(), "health": "/", "startup_timeout": SLOW,
        }),
        "elsewhere": (str(other), {
            "command": lab.server("--port", str(other)), "port": lab.port(), "health": "/", "startup_timeout": SLOW,
        }),
        "waiting": ("waiting for a licence", {
            "command": f"echo waiting for a licence; exec sleep {LONG}", "health": {"log": "ready to serve"},
            "startup_timeout": SLOW,
        }),
        "module": ("No module named 'missing_module'", {"command": f"{python} app.py", **ENDS}),
        "syntax": (", line 2", {"command": f"{python} broken.py", **ENDS}),
        "variable": ("DATABASE_URL: is not set", {"command": ": ${DATABASE_URL:?is not set}", **ENDS}),
        "path": ("no/such.py", {"command": f"{python} no/such.py", **ENDS}),
        "port": (str(held), {"command": lab.server(), "port": held, "health": "tcp"}),
        "crash": ("cannot reach the database", {
            "command": lab.server("--exit-after", "0.2", "--exit-code", "4", "--say", "cannot reach the database"),
            **ENDS,
        }),
        "needs": ("module", {"command": "sleep 1", "depends_on": ["module"]}),
        "once": ("migration 7 failed", {"command": says("migration 7 failed", code=3), "health": "exit"}),
        "command": ("no-such-program", {"command": "no-such-program --flag", **ENDS}),
        "words": ("no-such-program", {"command": ["no-such-program", "--flag"], **ENDS}),
        "folder": ("no such folder", {"command": "sleep 1", "cwd": "no/such/folder"}),
        "permission": ("Permission denied", {"command": ["./serve"], **ENDS}),
        "early": ("EADDRINUSE :::4000", {"command": says("Error: EADDRINUSE :::4000", "  at a", "npm ERR"), **ENDS}),
        "killed": ("SIGKILL", {"command": "kill -9 $$", **ENDS}),
    }  # fmt: skip


CONFIGURATIONS: dict[str, tuple[str, str]] = {
    "misspelt": ("comand", json.dumps({"sentinel": {"services": {"web": {"comand": "sleep 1"}}}})),
    "cycle": (
        "circle",
        json.dumps({"sentinel": {"services": {
            "web": {"command": "x", "depends_on": ["db"]}, "db": {"command": "x", "depends_on": ["web"]},
        }}}),
    ),
    "unknown": (
        "'nothing'",
        json.dumps({"sentinel": {"services": {"web": {"command": "x", "depends_on": ["nothing"]}}}}),
    ),
    "yaml": ("invoke.yaml", "sentinel: {services: [\n"),
}  # fmt: skip


@pytest.mark.timeout(600)  # many calls in a row, each of which may take long on a machine with much else to do
def test_a_model_finds_the_cause_of_every_failure_in_the_first_answer_mends_it_and_restarts(lab: Lab) -> None:
    """Also in a project with a folder `mcp`, which was taken for the SDK."""
    (lab.path / "mcp").mkdir()
    (lab.path / "mcp" / "__init__.py").write_text("raise SystemExit('the project')")
    folder = with_forking_python(lab)

    async def work(model: Model) -> None:
        await reads_what_there_is(model)
        await finds_every_cause(model, lab)
        await is_answered_in_parts(model, lab)
        (folder / "sentinel").unlink()
        (folder / "sentinel").symlink_to(SENTINEL)
        await is_told_when_its_time_is_up(model)

    in_session(lab, work, str(folder / "python"))
    until(lambda: not lab.services())


async def reads_what_there_is(model: Model) -> None:
    """The whole schema and the resources."""
    tools = {each.name: each for each in (await model.session.list_tools()).tools}
    assert set(tools) == READS | ACTS
    hints = {name: each.annotations for name, each in tools.items() if each.annotations}
    assert {name for name, each in hints.items() if each.read_only_hint} == READS
    assert {name for name, each in hints.items() if each.destructive_hint} == ACTS
    assert all(each.input_schema["additionalProperties"] is False for each in tools.values())
    for resource in (await model.session.list_resources()).resources:
        (content,) = (await model.session.read_resource(resource.uri)).contents
        assert "health" in str(content)


async def finds_every_cause(model: Model, lab: Lab) -> None:
    """Of a wrong configuration and of each service that fails; what it has mended runs."""
    held = lab.port()
    lab.listen(held, cwd=lab.folder)
    (lab.path / "app.py").write_text(
        f"import missing_module\nimport time\nprint('ready', flush=True)\ntime.sleep({LONG})\n"
    )
    (lab.path / "broken.py").write_text("print(1)\ndef (:\n")
    (lab.path / "serve").write_text("#!/bin/sh\n")
    failures = planted(lab, held)
    missed, few = list[tuple[str, str]](), asyncio.Semaphore(6)

    async def start(name: str) -> None:
        async with few:
            told = await model.call("start", services=[name])
        if not (told.is_error and failures[name][0] in told.text and told.beside["next_call"]):
            missed.append((name, told.text))

    for name, (cause, text) in CONFIGURATIONS.items():
        (lab.path / "invoke.yaml").write_text(text)
        told = await model.call("start", services=["web"])
        if not (told.is_error and cause in told.text):
            missed.append((name, told.text))
    lab.configure(**{name: keys for name, (_, keys) in failures.items()})
    await asyncio.gather(*(start(name) for name in failures if name != "needs"))
    await start("needs")
    assert missed == []

    (lab.path / "missing_module.py").write_text("")
    assert not (await model.call("restart", services=["module"])).is_error
    assert (await model.call("status", service="module")).document["state"] == "running"
    assert (await model.call("start", services=["port"], port="auto")).document["state"] == "running"
    assert (await model.call("down")).is_error is False


async def is_answered_in_parts(model: Model, lab: Lab) -> None:
    """Answers that are bounded, and tell no secret."""
    talker = f"seq 1000; exec sleep {LONG}"
    lab.configure(
        web={"command": lab.server(), "port": lab.port(), "env": {"API_TOKEN": "geheim"}}, talker={"command": talker}
    )
    assert not (await model.call("up", services=["web", "talker"])).is_error
    assert "geheim" not in (await model.call("env", service="web")).text
    await model.until(lambda told: bool(told.document.get("lines")), "logs", services=["talker"], grep="^1000$")
    told = await model.call("logs", services=["talker"], lines=1000)
    lines = told.document["lines"]
    assert lines[-1] == "1000"
    while "rest" in told.beside:
        told = await model.next(told, "rest")
        lines = told.document["lines"] + lines
    assert [line for line in lines if line.isdigit()] == [str(number + 1) for number in range(1000)]
    assert (await model.call("logs", services=["talker"], cursor=told.document["cursor"])).document["lines"] == []


async def is_told_when_its_time_is_up(model: Model) -> None:
    """By the program itself, in no fork: that is interrupted."""
    late = await model.call("run", service="web", command=["sleep", str(LONG)], timeout=1)
    assert late.is_error
    assert "time was up" in late.beside["late"]
    assert "is needed" in (await model.call("status")).document["error"]
    assert (await model.call("gc")).document["workspaces"] == []
    assert not (await model.call("down")).is_error
