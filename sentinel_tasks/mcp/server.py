"""The server: lists the tools and resources, makes the calls, and gives each answer in bounded parts."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

from . import arguments, program
from .answers import Answer, answer, refused, to_explain, with_last_output
from .pages import parts, text_of
from .rest import PREFIX, Rests
from .tools import TOOLS, schema_of

INSTRUCTIONS = (
    "Runs this project's development services. ps tells their states; up or start starts them and tells why "
    "one failed; why and logs tell more; mend the cause, then restart. The rest of a long answer comes with its cursor."
)
RESOURCES = {
    "sentinel://configuration": ("Configuration keys", "text/markdown", Path(__file__).with_name("configuration.md")),
    "sentinel://schema": (
        "JSON Schema of the configuration",
        "application/schema+json",
        Path(__file__).parent.parent / "invoke.schema.json",
    ),
}
ROOTS_PATIENCE = 2.0
Context: TypeAlias = "ServerRequestContext[Any, Any]"


class Service:
    """The handlers of one server; without a folder the workspace is where the client works."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder
        self._rests = Rests()

    async def list_tools(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        """Every tool, with its schema and what it may do."""
        return types.ListToolsResult(tools=[_tool(name) for name in TOOLS])

    async def call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        """The first part of the answer; a failure is an answer, too."""
        given = params.arguments or {}
        if str(given.get("cursor", "")).startswith(PREFIX):
            return self._rest(params.name, given["cursor"])
        made = await self._made(ctx, params.name, given)
        first, *others = parts(made.document)
        return self._result(params.name, first, others, made)

    async def _made(self, ctx: Context, name: str, given: arguments.Arguments) -> Answer:
        if name not in TOOLS:
            return refused([f"unknown tool {name!r}; known are {', '.join(TOOLS)}"], {"tool": "ps", "arguments": {}})
        if wrong := arguments.problems(name, given):
            return refused(wrong, {"tool": name, "arguments": {}, "after": "the arguments are mended"})
        folder = self._folder or await _root(ctx) or os.getcwd()
        try:
            words, seconds = arguments.words(name, given), arguments.limit(name, given)
            made = answer(name, given, await program.run(words, folder, seconds, is_merged=name == "run"))
            return await _with_output(made, folder)
        except OSError as error:
            return refused([f"{folder}: {error.strerror}"], {"tool": "doctor", "arguments": {}})

    def _rest(self, name: str, cursor: str) -> types.CallToolResult:
        kept = self._rests.take(cursor)
        if kept is None:
            lost = refused(["the rest of that answer is not kept any more"], {"tool": name, "arguments": {}})
            return self._result(name, text_of(lost.document), [], lost)
        return self._result(name, kept[0], kept[1:], Answer({}))

    def _result(self, name: str, first: str, others: Sequence[str], made: Answer) -> types.CallToolResult:
        """The part, and beside it in a text of its own what is no part of the document."""
        beside = dict(made.beside)
        if others:
            beside["rest"] = {"tool": name, "arguments": {"cursor": self._rests.keep(others)}, "parts": len(others)}
        texts = [first, text_of(beside)] if beside else [first]
        content: list[types.ContentBlock] = [types.TextContent(type="text", text=text) for text in texts]
        return types.CallToolResult(content=content, is_error=made.is_error)

    async def list_resources(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """What can be read of the configuration."""
        return types.ListResourcesResult(
            resources=[
                types.Resource(uri=uri, name=uri.partition("//")[2], title=title, mime_type=kind)
                for uri, (title, kind, _) in RESOURCES.items()
            ]
        )

    async def read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """That page."""
        if str(params.uri) not in RESOURCES:
            raise MCPError(types.INVALID_PARAMS, f"no resource {params.uri}; there are {', '.join(RESOURCES)}")
        _, kind, path = RESOURCES[str(params.uri)]
        text = path.read_text(encoding="utf-8")
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=params.uri, mime_type=kind, text=text)]
        )


async def _with_output(made: Answer, folder: str) -> Answer:
    """With the last lines of the service that failed: the cause need not be in the last one."""
    if (name := to_explain(made)) is None:
        return made
    words = arguments.words("why", {"service": name})
    return with_last_output(made, await program.run(words, folder, arguments.seconds("why", {})))


def _tool(name: str) -> types.Tool:
    tool = TOOLS[name]
    reads = tool.effect == "reads"
    hints = types.ToolAnnotations(
        read_only_hint=reads, destructive_hint=not reads, idempotent_hint=tool.is_idempotent, open_world_hint=False
    )
    return types.Tool(name=name, description=tool.does, input_schema=schema_of(name), annotations=hints)


async def _root(ctx: Context) -> str | None:
    """The first folder that the client says it works in; None if it says none."""
    capability = types.ClientCapabilities(roots=types.RootsCapability())
    if not ctx.session.check_client_capability(capability):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer clients have no roots, and start us where they work
        asked = ctx.session.list_roots()
    try:
        roots = (await asyncio.wait_for(asked, ROOTS_PATIENCE)).roots
    except (MCPError, TimeoutError, asyncio.TimeoutError):
        return None
    folders = [unquote(urlsplit(str(each.uri)).path) for each in roots if str(each.uri).startswith("file://")]
    return next(filter(os.path.isdir, folders), None)


def serve(folder: str | None) -> None:
    """Answers on stdin and stdout until the client closes them."""
    asyncio.run(_serve(Service(folder)))


async def _serve(service: Service) -> None:
    server: Server[Any] = Server(
        "sentinel-tasks",
        version=_version(),
        instructions=INSTRUCTIONS,
        on_list_tools=service.list_tools,
        on_call_tool=service.call_tool,
        on_list_resources=service.list_resources,
        on_read_resource=service.read_resource,
    )
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _version() -> str:
    try:
        return metadata.version("sentinel-tasks")
    except metadata.PackageNotFoundError:
        return "0"
