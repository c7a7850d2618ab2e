"""The order in which lines of several logs are told, however much of each is there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sentinel_tasks.engine.log_lines import take_due

LOGS = st.dictionaries(
    st.sampled_from(["dev", "web", "worker"]), st.lists(st.integers(0, 9).map(float), max_size=12).map(sorted)
)


def test_nothing_waits() -> None:
    assert take_due({}) == take_due({"web": []}) == []


def test_a_quiet_service_holds_nobody_back() -> None:
    waiting = {"web": [(1.0, b"one"), (2.0, b"two")], "dev": []}
    assert take_due(waiting) == [(1.0, "web", b"one"), (2.0, "web", b"two")]
    assert waiting == {"web": [], "dev": []}


def test_what_came_after_the_last_known_line_of_another_waits() -> None:
    """The other may have lines of that time too: they were not read yet."""
    waiting = {"web": [(1.0, b"one"), (5.0, b"five")], "dev": [(2.0, b"two")]}
    assert take_due(waiting) == [(1.0, "web", b"one"), (2.0, "dev", b"two")]
    assert waiting == {"web": [(5.0, b"five")], "dev": []}


@given(LOGS, st.integers(1, 5))
def test_logs_that_are_read_in_steps_are_told_whole_and_in_order(logs: dict[str, list[float]], step: int) -> None:
    lines = {name: [(when, str(when).encode()) for when in times] for name, times in logs.items()}
    unread, told = dict(lines), []
    waiting: dict[str, list[tuple[float, bytes]]] = {name: [] for name in lines}
    while any(unread.values()) or any(waiting.values()):
        for name in lines:
            if not waiting[name]:
                waiting[name], unread[name] = unread[name][:step], unread[name][step:]
        due = take_due(waiting)
        assert due
        told += due
    assert [float(line) for _, _, line in told] == sorted(when for times in logs.values() for when in times)
    for name, own in lines.items():
        assert [line for _, teller, line in told if teller == name] == [line for _, line in own]
