"""The OpenAPI description, with schemas made from the types that the code itself decodes and encodes."""

from __future__ import annotations

from functools import cache

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sentinel_tasks.api import responses
from sentinel_tasks.api.guard import TOKEN_HEADER
from sentinel_tasks.api.history import Point
from sentinel_tasks.api.model import (
    WORKER_ID,
    InstanceCount,
    Problem,
    Receipt,
    RegistryDocument,
    ScaleRequest,
    ScaleResult,
    SelfReport,
    Worker,
)

Json = dict[str, object]

ANY_PROBLEM = {
    400: "The body or the id is not as described.",
    401: "The token is missing or wrong.",
    403: "This Host or Origin is not served.",
    413: "The body is too large.",
}
ID: Json = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": WORKER_ID},
}

NAME: Json = {
    "name": "name", "in": "path", "required": True,
    "schema": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,200}$"},
}  # fmt: skip
VERB: Json = {
    "name": "verb", "in": "path", "required": True,
    "schema": {"enum": ["start", "stop", "restart", "scale"]},
}  # fmt: skip


async def document(request: Request) -> Response:
    """The OpenAPI document of this API."""
    return responses.document(specification(request.app.state.telemetry.options.token is not None))


@cache
def specification(needs_token: bool) -> Json:
    """The document of an API with or without a token set."""
    (*_,), schemas = msgspec.json.schema_components(
        [RegistryDocument, SelfReport, Receipt, ScaleRequest, ScaleResult, Problem, Worker, Point, InstanceCount],
        ref_template="#/components/schemas/{name}",
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Worker Telemetry API", "version": "1"},
        "security": [{"token": []}] if needs_token else [],
        "paths": _paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER}},
        },
    }


def _paths() -> dict[str, Json]:
    return {
        "/healthz": {"get": _open(_operation("healthz", _ok({"type": "object"}), 503))},
        "/metrics": {"get": _operation("readMetrics", _text("Prometheus text."))},
        "/api/workspace": {"get": _operation("readWorkspace", _ok(_workspace()))},
        "/api/services": {"get": _operation("readServices", _ok(_services()), 503)},
        "/api/services/{name}/logs": {"parameters": [NAME], "get": _operation("readLog", _lines(), 503)},
        "/api/services/{name}/{verb}": {
            "parameters": [NAME, VERB],
            "post": _with_body("InstanceCount", _operation("act", _ok(_outcome()), 404, 409), needed=False),
        },
        "/api/workers/registry": {"get": _operation("readRegistry", _ok(_ref("RegistryDocument")))},
        "/api/workers/registry/{id}": {
            "parameters": [ID],
            "put": _with_body("SelfReport", _operation("report", _ok(_ref("Receipt")), 429)),
            "delete": _operation("leave", {204: {"description": "It left."}}, 404),
        },
        "/api/workers/scale": {"post": _with_body("ScaleRequest", _operation("scale", _ok(_ref("ScaleResult")), 409))},
        "/api/workers/snapshot/{id}": {
            "parameters": [ID],
            "get": _operation("takeSnapshot", _ok(_snapshot()), 404, 429),
        },
    }


def _operation(name: str, success: dict[int, Json], *problems: int) -> Json:
    refused = {
        status: _problem(ANY_PROBLEM.get(status, "Refused; `error` says why.")) for status in (*ANY_PROBLEM, *problems)
    }
    answers = {str(status): answer for status, answer in {**success, **refused}.items()}
    return {"operationId": name, "responses": answers}


def _open(operation: Json) -> Json:
    return {**operation, "security": []}


def _with_body(name: str, operation: Json, needed: bool = True) -> Json:
    return {**operation, "requestBody": {"required": needed, "content": {responses.JSON: {"schema": _ref(name)}}}}


def _ok(schema: Json) -> dict[int, Json]:
    return {200: {"description": "Done.", "content": {responses.JSON: {"schema": schema}}}}


def _text(description: str) -> dict[int, Json]:
    return {200: {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}}


def _lines() -> dict[int, Json]:
    told = "A document `service`, `line`, `time` a line, without an end."
    return {200: {"description": told, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}}}


def _problem(description: str) -> Json:
    return {"description": description, "content": {responses.JSON: {"schema": _ref("Problem")}}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _workspace() -> Json:
    return {
        "type": "object",
        "required": ["workspace", "session", "service", "scalable", "services", "history"],
        "properties": {"history": {"type": "array", "items": _ref("Point")}},
    }


def _services() -> Json:
    lists = {name: {"type": "array", "items": {"type": "object"}} for name in ("workspaces", "events")}
    own = ["time", "workspace", "service", "may_act", "cpu_percent", "workspaces", "events", "error", "warnings"]
    return {"type": "object", "required": own, "properties": {"cpu_percent": {"type": ["number", "null"]}, **lists}}


def _outcome() -> Json:
    return {
        "type": "object",
        "required": ["code", "services", "error"],
        "properties": {"code": {"type": "integer"}, "error": {"type": ["string", "null"]}},
    }


def _snapshot() -> Json:
    return {
        "type": "object",
        "required": ["timestamp", "worker", "process"],
        "properties": {"worker": _ref("Worker"), "process": {"type": ["object", "null"]}},
    }
