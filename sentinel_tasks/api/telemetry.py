"""What the endpoints share: one registry, looked after once a second in the background and never in a request."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from sentinel_tasks.api.history import History
from sentinel_tasks.api.model import Process, RegistryDocument, ScaleResult
from sentinel_tasks.api.options import Options, api_url
from sentinel_tasks.api.registry import Registry
from sentinel_tasks.api.sampling import Sampler
from sentinel_tasks.api.scale import ScaleError, Scaler
from sentinel_tasks.api.snapshot import Turnstile
from sentinel_tasks.api.stream import Hub

PERIOD = 1.0  # seconds between two looks at the machine
STALE = 10.0  # seconds without a look after which the API no longer calls itself alive

Result = TypeVar("Result")
log = logging.getLogger(__name__)


class Telemetry:
    """The living parts of the API. Belongs to the event loop that runs it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.registry = Registry()
        self.sampler = Sampler(options.workspace, options.service)
        self.history = History()
        self.hub = Hub()
        self.snapshots = Turnstile()
        self._scaler = Scaler(options.worker_command, options.workspace, _worker_environment(options))
        self._looking = asyncio.Lock()
        self._scaling = asyncio.Lock()
        self._jobs: set[asyncio.Task[Any]] = set()
        self._is_ending = False
        self._looked_at = 0.0
        self._encoded: tuple[RegistryDocument | None, bytes] = (None, b"")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks once before it yields, so that the first answer is already true, and then once a second.

        At the end the workers that were scaled are ended too.
        """
        await self.look()
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            self._is_ending = True
            watching.cancel()
            await asyncio.wait([watching, *self._jobs])
            processes: list[Process] = []  # without them our own children are ended all the same
            with going_on():
                processes.extend((await self.look()).values())
            await asyncio.to_thread(self._scaler.stop, processes)

    def is_alive(self) -> bool:
        """True while the background work gets done."""
        return time.monotonic() - self._looked_at < STALE

    async def look(self) -> Mapping[int, Process]:
        """Sample the processes now and tell the registry."""
        return await self._to_its_end(self._look())

    async def _look(self) -> Mapping[int, Process]:
        async with self._looking:
            ended = self._scaler.ended()
            processes = await asyncio.to_thread(
                self.sampler.sample, self.registry.reported_pids(), self._scaler.children()
            )
            self.registry.observe(processes, ended)
            self._looked_at = time.monotonic()
            return processes

    async def scale(self, count: int) -> ScaleResult:
        """Start or end workers until there are `count`; the registry knows when this returns. Raises ScaleError."""
        return await self._to_its_end(self._scale(count))

    async def _scale(self, count: int) -> ScaleResult:
        async with self._scaling:
            if self._is_ending:
                raise ScaleError("the API is ending")
            processes = await self.look()
            try:
                return await asyncio.to_thread(self._scaler.scale, count, processes.values())
            finally:
                await self.look()

    async def _to_its_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Goes on when whoever asked for it has gone: a thread can't be called back, and nobody else may begin."""
        job = asyncio.create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return await asyncio.shield(job)

    def payload(self) -> bytes:
        """The registry document as JSON, encoded once for everybody who asks before it changes."""
        document = self.registry.document()
        if self._encoded[0] is not document:
            self._encoded = (document, msgspec.json.encode(document))
        return self._encoded[1]

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            with going_on():
                self.hub.publish(self.payload().decode())
                self.history.add(self.registry.document())
            due = max(due + PERIOD, loop.time())
            await asyncio.sleep(due - loop.time())
            with going_on():
                await self.look()


@contextlib.contextmanager
def going_on() -> Iterator[None]:
    """Whatever fails here is logged and ends nothing: it may be gone in a second, and /healthz tells if it is not."""
    try:
        yield
    except Exception:
        log.exception("the machine can't be looked at")


def _worker_environment(options: Options) -> dict[str, str]:
    """Our own environment without what is meant for us alone, whose worker it is, and where to report."""
    return {
        **{name: value for name, value in os.environ.items() if name not in {"PORT", "SENTINEL_WORKER_COMMAND"}},
        "SENTINEL_WORKSPACE": options.workspace,
        "SENTINEL_SERVICE": options.service,
        "WORKER_API_URL": api_url(options),
    }
