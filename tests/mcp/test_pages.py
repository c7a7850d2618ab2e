"""A long answer comes in parts that fit, with what matters in the first, and nothing is lost."""

from __future__ import annotations

import json
from typing import Any

from sentinel_tasks.mcp.pages import MOST, parts
from sentinel_tasks.mcp.rest import KEPT, Rests


def document(parts_of: list[str]) -> list[dict[str, Any]]:
    assert all(len(each) <= MOST for each in parts_of)
    return [json.loads(each) for each in parts_of]


def test_a_short_document_is_one_part() -> None:
    assert document(parts({"services": [], "error": None})) == [{"services": [], "error": None}]


def test_the_last_lines_come_first_with_their_times() -> None:
    lines = [f"line {number} {'x' * 100}" for number in range(200)]
    found = document(parts({"service": "web", "lines": lines, "times": [*range(200)], "cursor": "c"}))
    assert len(found) > 3
    assert found[0]["lines"][-1] == lines[-1]
    assert found[0]["times"][-1] == 199
    assert [line for part in reversed(found) for line in part["lines"]] == lines
    assert [time for part in reversed(found) for time in part["times"]] == [*range(200)]
    assert {(part["service"], part["cursor"]) for part in found} == {("web", "c")}


def test_a_line_that_is_too_long_comes_in_pieces() -> None:
    line = "".join(str(number) for number in range(5000))
    found = document(parts({"lines": ["first", line], "times": [1.0, 2.0], "cursor": ""}))
    assert "".join(piece for part in reversed(found) for piece in part["lines"]) == f"first{line}"


def test_what_failed_comes_first() -> None:
    services = [{"service": f"s{number}", "log": "x" * 500, "error": None} for number in range(30)]
    services[25]["error"] = "exit 1"
    for whole in ({"services": services, "error": "s25"}, {"workspaces": [{"folder": "here", "services": services}]}):
        found = document(parts(whole))
        told = [part if "services" in part else part["workspaces"][0] for part in found]
        assert told[0]["services"][0]["service"] == "s25"
        names = [each["service"] for part in told for each in part["services"]]
        assert sorted(names) == sorted(str(each["service"]) for each in services)


def test_what_holds_no_list_is_cut_anywhere() -> None:
    variables = {f"NAME_{number}": "x" * 200 for number in range(100)}
    found = parts(variables)
    assert all(len(each) <= MOST for each in found)
    assert json.loads("".join(found)) == variables


def test_the_rest_can_be_read_twice_and_is_forgotten_after_many_answers() -> None:
    rests = Rests()
    cursor = rests.keep(["a", "b"])
    assert rests.take(cursor) == rests.take(cursor) == ["a", "b"]
    for _ in range(KEPT):
        rests.keep(["c"])
    assert rests.take(cursor) is None


def test_lines_that_are_shorter_than_their_times_are_still_what_is_parted() -> None:
    whole = {"lines": [str(number) for number in range(1000)], "times": [1795684702.5947528] * 1000, "cursor": "c"}
    found = document(parts(whole))
    assert [line for part in reversed(found) for line in part["lines"]] == whole["lines"]
    assert all(len(part["lines"]) == len(part["times"]) for part in found)
