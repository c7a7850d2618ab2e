"""The WebSocket stream: everyone gets the newest document, whoever is slow skips, whoever never reads is closed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Coroutine

from starlette.websockets import WebSocket, WebSocketDisconnect

from sentinel_tasks.api.responses import problem

PROTOCOL = "sentinel.v1"
MAX_CLIENTS = 100
SPREAD = 0.3  # seconds over which clients are served, so that a hundred at once do not hold up requests
PATIENCE = 30.0  # seconds that a client may leave a document unread


class Hub:
    """Holds the newest document and wakes those who wait for it."""

    def __init__(self) -> None:
        self.clients = 0
        self.skipped = 0
        self._number = 0
        self._newest = ""
        self._changed = asyncio.Event()

    def publish(self, text: str) -> None:
        """Make this the newest document."""
        self._number += 1
        self._newest = text
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, number: int) -> tuple[int, str]:
        """The newest document and its number, as soon as it is not the one of this number."""
        if number == self._number:
            await self._changed.wait()
        self.skipped += max(0, self._number - number - 1) if number else 0
        return self._number, self._newest


async def stream(websocket: WebSocket) -> None:
    """Sends the registry document once a second until the client leaves; 503 when there are too many clients."""
    await send_documents(websocket, websocket.app.state.telemetry.hub)


async def send_documents(websocket: WebSocket, hub: Hub) -> None:
    """Sends what comes to the hub until the client leaves; 503 when there are too many clients."""
    if hub.clients >= MAX_CLIENTS:
        await websocket.send_denial_response(problem(503, f"there are {MAX_CLIENTS} clients already"))
        return
    offered = websocket.scope.get("subprotocols", [])
    hub.clients += 1
    try:
        await websocket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
        await _first_to_end(_send(websocket, hub), _listen(websocket))
    finally:
        hub.clients -= 1


async def _send(websocket: WebSocket, hub: Hub) -> None:
    number = 0
    turn = 0.0
    while True:
        number, text = await hub.after(number)
        await asyncio.sleep(turn)
        await asyncio.wait_for(websocket.send_text(text), PATIENCE)
        turn = random.uniform(0, SPREAD)


async def _listen(websocket: WebSocket) -> None:
    """What a client says is of no interest, only that it leaves."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _first_to_end(*coroutines: Coroutine[object, object, None]) -> None:
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError, asyncio.TimeoutError, WebSocketDisconnect, RuntimeError):
                await task
