"""The services of the workspace: how they fare, what they print, and what a person has them do (contract: API)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.websockets import WebSocket

from sentinel_tasks.api import program
from sentinel_tasks.api.guard import is_from_this_page
from sentinel_tasks.api.model import InstanceCount
from sentinel_tasks.api.options import Options
from sentinel_tasks.api.responses import JSON, decoded, document, problem
from sentinel_tasks.api.states import States
from sentinel_tasks.api.stream import send_documents

NAME = re.compile(r"[a-z][a-z0-9-]{0,200}")
WORDS = {"start": "up", "stop": "down", "restart": "restart"}
"""The workspace's tasks: they know each instance by its name, and need no task of the service's own."""
MOST_LOGS = 20
LINES = "200"


async def read(request: Request) -> Response:
    """Every service of every workspace of this user, as `ps --all --json` has them, and this one's newest events."""
    if refusal := _of_another_page(request):
        return refusal
    try:
        return Response(await _states(request).once(), media_type=JSON)
    except asyncio.TimeoutError:
        return problem(503, "the services can't be looked at in time")


async def stream(websocket: WebSocket) -> None:
    """The same document, anew after each look."""
    if refusal := _of_another_page(websocket):
        await websocket.send_denial_response(refusal)
        return
    states: States = websocket.app.state.states
    with states.watched() as hub:
        await send_documents(websocket, hub)


async def act(request: Request) -> Response:
    """Has the service started, stopped, restarted or scaled; answers once that is done."""
    options, name, verb = _options(request), request.path_params["name"], request.path_params["verb"]
    if refusal := _refusal(request, options):
        return refusal
    if not NAME.fullmatch(name):
        return problem(400, "a service's name is made of a-z, 0-9 and -")
    if name == options.service and verb != "start":
        return problem(409, f"{name} serves this page: type `sentinel {verb} {name}` in a terminal")
    if verb not in (*WORDS, "scale"):
        return problem(404, f"{verb} is none of {', '.join((*WORDS, 'scale'))}")
    if verb != "scale":
        return await _done(request, name, WORDS[verb], "--only", name)
    wanted = decoded(await request.body(), InstanceCount)
    return wanted if isinstance(wanted, Response) else await _done(request, name, "scale", f"{name}={wanted.count}")


def _refusal(request: Request, options: Options) -> Response | None:
    if options.read_only:
        return problem(403, "this API was started with --read-only")
    return _of_another_page(request)


def _of_another_page(asked: HTTPConnection) -> Response | None:
    """Whoever has the token may ask from anywhere: the guard has seen it."""
    if _options(asked).token is None and not is_from_this_page(asked):
        return problem(403, "without a token only this user here may ask that, and no page of another origin")
    return None


async def _done(request: Request, name: str, *words: str) -> Response:
    busy: set[str] = request.app.state.busy
    if name in busy:
        return problem(409, f"something is being done to {name} already")
    busy.add(name)
    work = asyncio.create_task(_run(_options(request).workspace, words))
    work.add_done_callback(lambda _: busy.discard(name))
    return document(await asyncio.shield(work))


async def _run(workspace: str, words: tuple[str, ...]) -> dict[str, object]:
    """The task's exit code and what it tells; it goes on when whoever asked for it has gone."""
    process = await program.begin(workspace, *words, "--json")
    out, err = await process.communicate()
    try:
        told = json.loads(out)
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    last = err.decode("utf-8", "replace").strip().splitlines()[-1:]
    error = told.get("error") or next(iter(last), None)
    code = process.returncode
    return {"code": code, "services": told.get("services", []), "error": error if code else None}


async def logs(request: Request) -> Response:
    """The service's last lines of output and those that come, a JSON document a line, until the client leaves."""
    name = request.path_params["name"]
    if not NAME.fullmatch(name):
        return problem(400, "a service's name is made of a-z, 0-9 and -")
    if refusal := _of_another_page(request):
        return refusal
    if request.app.state.logs_read >= MOST_LOGS:
        return problem(503, f"{MOST_LOGS} logs are being read already")
    return StreamingResponse(_lines(request, name), media_type="application/x-ndjson")


async def _lines(request: Request, name: str) -> AsyncIterator[bytes]:
    state = request.app.state
    state.logs_read += 1
    words = ("logs", "--only", name, "--lines", LINES, "--follow", "--json")
    try:
        process = await program.begin(_options(request).workspace, *words)
        try:
            assert process.stdout is not None
            while some := await process.stdout.read(program.LONGEST_LINE):
                yield some
        finally:
            await asyncio.shield(program.end(process))
    finally:
        state.logs_read -= 1


def _options(asked: HTTPConnection) -> Options:
    options: Options = asked.app.state.telemetry.options
    return options


def _states(request: Request) -> States:
    states: States = request.app.state.states
    return states
