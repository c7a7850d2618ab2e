"""What the endpoints share: one registry, looked after once a second in the background and never in a request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec

from sentinel_tasks.api.model import RegistryDocument
from sentinel_tasks.api.options import Options
from sentinel_tasks.api.registry import Registry
from sentinel_tasks.api.sampling import Sampler

PERIOD = 1.0  # seconds between two looks at the machine


class Telemetry:
    """The living parts of the API. Belongs to the event loop that runs it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.registry = Registry()
        self.sampler = Sampler(options.workspace, options.service)
        self._looking = asyncio.Lock()
        self._encoded: tuple[RegistryDocument | None, bytes] = (None, b"")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Looks once before it yields, so that the first answer is already true, and then once a second."""
        await self.look()
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()

    async def look(self) -> None:
        """Sample the processes now and tell the registry."""
        async with self._looking:
            processes = await asyncio.to_thread(self.sampler.sample, self.registry.reported_pids())
            self.registry.observe(processes)

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
            due = max(due + PERIOD, loop.time())
            await asyncio.sleep(due - loop.time())
            await self.look()
