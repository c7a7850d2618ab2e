"""Answers: documents and problems, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from starlette.responses import Response

from sentinel_tasks.api.model import Problem

JSON = "application/json"
T = TypeVar("T")


def document(content: object, status: int = 200) -> Response:
    """A document as JSON."""
    return Response(msgspec.json.encode(content), status, media_type=JSON)


def problem(status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal, with its reason under `error`."""
    return Response(msgspec.json.encode(Problem(error)), status, headers, media_type=JSON)


def decoded(body: bytes, kind: type[T]) -> T | Response:
    """The body as a document of this kind, or the refusal that says what is wrong with it."""
    try:
        content = msgspec.json.decode(body)
        if isinstance(content, dict):
            content = {name: _whole(value) for name, value in content.items()}
        return msgspec.convert(content, kind)
    except RecursionError:
        return problem(400, "the body is nested too deep")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return problem(400, str(error))


def _whole(value: object) -> object:
    """To JSON 5.0 is as whole a number as 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
