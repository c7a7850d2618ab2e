"""The check of proposed commands, which every `inv` of a lab goes through, finds them and refuses what is not there."""

from __future__ import annotations

import pytest

from tests.hints import proposed
from tests.lab import Lab


def test_commands_are_found_in_words_with_the_flags_that_they_have() -> None:
    said = "  | inv not.ours\n  inv -c other svc.web.start --port auto or inv up; python -m sentinel_tasks doctor --fix"
    assert [(hint.core, hint.task, hint.flags) for hint in proposed(said)] == [
        (("-c", "other"), "svc.web.start", ("--port",)),
        ((), "up", ()),
        ((), "doctor", ("--fix",)),
    ]


@pytest.mark.parametrize("said", ["inv web.start", "inv dev.start --prot auto", "inv -c other dev.start"])
def test_a_proposed_command_that_is_not_there_fails_the_test(lab: Lab, said: str) -> None:
    assert lab.hints is not None
    lab.hints.check("inv dev.start --port auto", lab.path, lab.environ)
    with pytest.raises(AssertionError, match="is proposed, but"):
        lab.hints.check(said, lab.path, lab.environ)
