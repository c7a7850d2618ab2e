"""What the services are doing, from `ps --all --watch --json` and the workspace's events, while somebody looks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sentinel_tasks.api import program
from sentinel_tasks.api.options import Options
from sentinel_tasks.api.stream import Hub

LINGER = 10.0  # seconds for which the looks go on when nobody is there any more: a page may be loaded again
PAUSE = 3.0  # seconds before the next try when there is nothing to be told
FIRST = 20.0  # seconds that the first document may take on a machine with much else to do
CONFIGURED_BY = (
    "tasks.py",
    "invoke.yaml",
    "invoke.yml",
    "invoke.json",
    "invoke.py",
    "Procfile",
    "Procfile.dev",
    ".env",
)
SCALES, EVENTS = "scale.json", "events.jsonl"
MOST_EVENTS, MOST_BYTES, MOST_WARNINGS = 100, 1 << 16, 20
SIGN = re.compile(r"^(⚠️|❌|💡|\[!\]|\[x\]|--)?\s*")

Json = dict[str, Any]


class States:
    """Looks only while there are watchers, by one process for all of them. Belongs to the event loop that runs it."""

    def __init__(self, options: Options, cpu: Callable[[], float | None] = lambda: None) -> None:
        self.hub = Hub()
        self._options = options
        self._cpu = cpu
        self._watchers = 0
        self._left_at = 0.0
        self._looking: asyncio.Task[None] | None = None
        self._state_folder: Path | None = None
        self._read: object = None

    @contextlib.contextmanager
    def watched(self) -> Iterator[Hub]:
        """The looks go on within it, and their documents come to the hub."""
        self._watchers += 1
        if self._looking is None or self._looking.done():
            self.hub = Hub()
            self._looking = asyncio.create_task(self._look())
        try:
            yield self.hub
        finally:
            self._watchers -= 1
            self._left_at = time.monotonic()

    async def once(self) -> str:
        """The newest document; TimeoutError if there is none in time."""
        with self.watched() as hub:
            return (await asyncio.wait_for(hub.after(0), FIRST))[1]

    async def close(self) -> None:
        """Ends the looks."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    def _is_wanted(self) -> bool:
        return self._watchers > 0 or time.monotonic() - self._left_at < LINGER

    async def _look(self) -> None:
        while self._is_wanted():
            try:
                await self._looks_of_one_process()
            except (OSError, ValueError) as reason:  # also a line that is too long
                self._publish({"error": f"the state of the services can't be asked: {reason}"})
                await asyncio.sleep(PAUSE)

    async def _looks_of_one_process(self) -> None:
        """Until it ends, nobody watches, or the configuration has changed, which it has read once."""
        process = await program.begin(self._options.workspace, "ps", "--all", "--watch", "--json")
        self._read = self._configured()
        warnings = list[str]()
        reading = asyncio.create_task(_read_warnings(process, warnings))
        try:
            said = [line async for line in self._documents(process, warnings)]
        finally:
            await program.end(process)
            await asyncio.wait([reading], timeout=program.SECONDS_TO_END)  # a process of its own may hold the pipe
            reading.cancel()
        if self._is_wanted() and not self.is_outdated():
            self._publish(_refusal(said, warnings, process.returncode))
            await asyncio.sleep(PAUSE)

    async def _documents(self, process: Process, warnings: list[str]) -> AsyncIterator[bytes]:
        """Publishes each document; yields the lines that are none."""
        assert process.stdout is not None
        async for line in process.stdout:
            found = _decoded(line)
            if found is None or "workspaces" not in found:
                yield line
                continue
            self._publish({**found, "warnings": warnings})
            self.learn(self._own(found))
            if not self._is_wanted() or self.is_outdated():
                return

    def _publish(self, found: Json) -> None:
        whole = {
            "time": datetime.now(timezone.utc).isoformat(),
            "workspace": self._options.workspace,
            "service": self._options.service,
            "may_act": not self._options.read_only,
            "cpu_percent": self._cpu(),
            "workspaces": [],
            "events": [],
            "error": None,
            "warnings": [],
        }
        self.hub.publish(json.dumps({**whole, **found, "events": _events(self._own(found))}))

    def _own(self, found: Json) -> list[Json]:
        """The services of this API's workspace."""
        return next((one["services"] for one in found.get("workspaces", ()) if self._is_ours(one["workspace"])), [])

    def _is_ours(self, workspace: str) -> bool:
        return workspace == self._options.workspace

    def learn(self, services: list[Json]) -> None:
        """Where the workspace keeps how many instances `scale` was asked for, as soon as a document tells it."""
        if self._state_folder is None and services:
            self._state_folder = Path(services[0]["log"]).parent
            self._read = self._configured()

    def is_outdated(self) -> bool:
        """True if what the process has read has changed."""
        return self._read != self._configured()

    def _configured(self) -> list[tuple[str, int]]:
        """What tells that the configuration has changed, and how many instances there are to be."""
        files = [Path(self._options.workspace, name) for name in CONFIGURED_BY]
        found = []
        for file in [*files, *([self._state_folder / SCALES] if self._state_folder else [])]:
            with contextlib.suppress(OSError):
                found.append((file.name, os.stat(file).st_mtime_ns))
        return found


async def _read_warnings(process: Process, warnings: list[str]) -> None:
    """Keeps what it says beside its documents, such as what is wrong with a service's configuration."""
    assert process.stderr is not None
    async for line in process.stderr:
        if len(warnings) < MOST_WARNINGS:
            warnings.append(SIGN.sub("", line.decode("utf-8", "replace").rstrip()))


def _refusal(said: list[bytes], warnings: list[str], code: int | None) -> Json:
    """Why there was no document: what the task says, or its last words."""
    told = _decoded(b"".join(said))
    if told and "error" in told:
        problems = [f"{each['key']}: {each['reason']}" for each in told.get("problems", [])]
        return {"error": str(told["error"]), "warnings": problems}
    return {"error": f"ps ended with exit code {code}", "warnings": warnings}


def _decoded(text: bytes) -> Json | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _events(services: list[Json]) -> list[Json]:
    """The newest events of the workspace, the newest first; they lie beside its logs."""
    if not services:
        return []
    try:
        with open(Path(services[0]["log"]).with_name(EVENTS), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MOST_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return []
    found = (_decoded(line) for line in reversed(lines))
    return [event for event in found if event][:MOST_EVENTS]
