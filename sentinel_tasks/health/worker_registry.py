"""What a worker registry's answer tells, in every shape that the contract (Tasks) knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

STATUSES = ("idle", "working", "error")


def parsed(body: bytes) -> object:
    """The JSON document in a body; None if it holds none."""
    import json

    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def count(document: object) -> int | None:
    """The number of workers a registry's answer tells of; None if it tells none."""
    if isinstance(document, list):
        return len(document)
    if not isinstance(document, dict):
        return None
    inner = document.get("summary")
    totals = (document.get("total"), inner.get("total") if isinstance(inner, dict) else None)
    told = next((total for total in totals if _is_count(total)), None)
    if told is not None:
        return told
    listed = document.get("workers")
    if isinstance(listed, dict | list):
        return len(listed)
    return len(document) if _is_by_id(document) else None


def _is_by_id(document: Mapping[str, object]) -> bool:
    """True for an object of nothing but workers."""
    return all(isinstance(worker, dict) for worker in document.values())


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def summary(document: object) -> tuple[tuple[str, int], ...]:
    """How many workers are idle, working and in error, where the answer says so."""
    told = document.get("summary") if isinstance(document, dict) else None
    if not isinstance(told, dict):
        return ()
    return tuple((name, told[name]) for name in STATUSES if _is_count(told.get(name)))


def workers(document: object) -> list[dict[str, Any]]:
    """Every worker that the answer lists, each with its `id`."""
    listed = document
    if isinstance(document, dict):
        listed = document.get("workers", document if _is_by_id(document) else None)
    if isinstance(listed, dict):
        return [{"id": str(name), **worker} for name, worker in listed.items() if isinstance(worker, Mapping)]
    return [dict(worker) for worker in listed if isinstance(worker, Mapping)] if isinstance(listed, list) else []
