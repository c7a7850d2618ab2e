"""Answers: documents and problems, as JSON."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.responses import Response

from sentinel_tasks.api.model import Problem

JSON = "application/json"


def document(content: object, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(msgspec.json.encode(content), status, media_type=JSON)


def problem(status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal, with its reason under `error`."""
    return Response(msgspec.json.encode(Problem(error)), status, headers, media_type=JSON)
