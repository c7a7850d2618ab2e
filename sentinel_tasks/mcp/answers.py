"""What a run of the program comes to, as the document to give back and the call to make next. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .arguments import Arguments
from .program import Ran

TELL_STATES = ("status", "ps", "why", "doctor", "env")
"""Tools whose exit code tells what they have seen, and no failure of theirs."""
STARTS = ("up", "start", "restart")
LAST_LINES = 1_500
"""Characters of a failed service's output that are told beside the document."""


class Answer(NamedTuple):
    """The document, whether the call failed, and what to say beside it."""

    document: Mapping[str, Any]
    is_error: bool = False
    beside: Mapping[str, Any] = {}


def refused(problems: list[str], next_call: Mapping[str, Any]) -> Answer:
    """A call that was not made."""
    return Answer({"error": "; ".join(problems)}, True, {"next_call": next_call})


def answer(tool: str, arguments: Arguments, ran: Ran) -> Answer:
    """What the run says."""
    document = _output(arguments, ran) if tool == "run" else _document(ran)
    is_error = ran.is_late or _is_error(tool, document, ran.code)
    beside: dict[str, Any] = {}
    if ran.is_late:
        beside["late"] = _late(tool)
    if is_error:
        beside["next_call"] = next_call(tool, arguments, document, ran)
    elif tool == "gc" and not arguments.get("confirm") and _is_left(document):
        beside["next_call"] = _call("gc", **{**arguments, "confirm": True})
    return Answer(document, is_error, beside)


def _is_left(document: Mapping[str, Any]) -> bool:
    """True if `gc` would end or remove something."""
    return any(each["state"] == "gone" and (each["ended"] or each["removed"]) for each in document["workspaces"])


def _document(ran: Ran) -> dict[str, Any]:
    """What the program printed; where that is no document, what it said of it."""
    try:
        found = json.loads(ran.out)
    except ValueError:
        return {"error": ran.err.strip()[-LAST_LINES:] or f"it ended with exit code {ran.code} and told nothing"}
    return found if isinstance(found, dict) else {"document": found}


def _output(arguments: Arguments, ran: Ran) -> dict[str, Any]:
    return {"service": arguments.get("service"), "exit_code": ran.code, "lines": ran.out.splitlines()}


def _is_error(tool: str, document: Mapping[str, Any], code: int) -> bool:
    if tool in TELL_STATES and code != 2:
        return set(document) == {"error"}
    return code != 0


def _late(tool: str) -> str:
    if tool in STARTS:
        return "its time was up: what was launched goes on starting in its window"
    return "its time was up, and it was interrupted"


def to_explain(made: Answer) -> str | None:
    """The service of which the answer says that it failed; None if it says so of none."""
    call = made.beside.get("next_call", {})
    name = call.get("arguments", {}).get("service") if call.get("tool") == "why" else None
    return name if isinstance(name, str) else None


def with_last_output(made: Answer, why: Ran) -> Answer:
    """The same with the last lines that `why` tells of it."""
    lines = _document(why).get("last_output")
    found = _last(lines) if isinstance(lines, list) else []
    return made._replace(beside={"last_output": found, **made.beside}) if found else made


def _last(lines: list[str]) -> list[str]:
    """As many of the last lines as there is room for, the last one in any case."""
    found, taken = list[str](), 0
    for line in reversed(lines):
        taken += len(line)
        if taken > LAST_LINES and found:
            break
        found.insert(0, line[-LAST_LINES:])
    return found


def next_call(tool: str, arguments: Arguments, document: Mapping[str, Any], ran: Ran) -> dict[str, Any]:
    """The call that helps on after a failure."""
    failed = next(_failed(document), None) or _first_named(arguments)
    again = {"tool": tool, "arguments": {**arguments}}
    if document.get("problems") or ran.code == 2:
        unknown = any("unknown service" in str(each.get("reason")) for each in document.get("problems", []))
        return _call("ps") if unknown else {**again, "after": "what the error names is mended"}
    if ran.code == 5:
        return _call("doctor")
    if ran.is_late and tool in (*STARTS, "wait"):
        return _call("wait", **{key: arguments[key] for key in ("services",) if key in arguments})
    if tool in ("run", "gc") or failed is None:
        return {**again, "after": "what the error names is mended"} if tool in ("run", "gc") else _call("ps")
    if ran.code == 3:
        return _call("start", services=[failed])
    return _call("why", service=failed)


def _call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"tool": tool, "arguments": arguments}


def _failed(document: Mapping[str, Any]) -> Iterator[str]:
    """The services that failed by themselves, then those that could not start because of them."""
    services = document.get("services") or ([document] if document.get("state") else [])
    failed = [each for each in services if isinstance(each, dict) and each.get("error")]
    for each in sorted(failed, key=lambda one: str(one["error"]).startswith("waits for")):
        yield str(each["service"])


def _first_named(arguments: Arguments) -> str | None:
    return arguments.get("service") or next(iter(arguments.get("services", [])), None)
