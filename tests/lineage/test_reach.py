"""Over random forests of processes: nothing outside the definition is ever reached, whatever the caller asks."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel_tasks.lineage.process import Process, is_multiplexer
from sentinel_tasks.lineage.reach import Caller, Claim, Who, family, line_of, permitted, whole_groups

KINDS = ("", "", "", "", "multiplexer", "launcher", "guest")
Forest = dict[int, Process]


def process(pid: int, parent: int = 1, **facts: object) -> Process:
    """A process that lives, of user 1000, in a group of its own."""
    given: dict[str, object] = {"group": pid, "session": pid, "uid": 1000, **facts}
    return Process(pid, pid * 10, parent, **given)  # type: ignore[arg-type]


def forest(*processes: Process) -> Forest:
    return {each.pid: each for each in (process(1, 0, uid=0), *processes)}


def who(pid: int) -> Who:
    return pid, pid * 10


CHANCE = st.randoms(use_true_random=True)
"""Of one seed: Hypothesis would take 30 times as long to choose each of a forest's facts."""


def _forest(size: int, chance: Random) -> Forest:
    """That many processes: users, suspended and ended ones, multiplexers and launchers wherever they may stand."""
    made = [
        process(
            pid,
            chance.randint(1, pid - 1),
            uid=chance.choice((1000, 1000, 1000, 1001, 0)),
            kind=chance.choice(KINDS),
            state=chance.choice("SSSSTZ"),
            threads=chance.choice((1, 1, 2)),
            group=chance.randint(1, pid),
        )
        for pid in range(2, size + 2)
    ]
    return forest(*made)


def _claim(chance: Random) -> Claim:
    """Whatever a caller may say, wrong pids, reused pids and wrong roles among it."""

    def some() -> frozenset[Who]:
        pids = [chance.randint(0, 26) for _ in range(chance.randint(0, 4))]
        return frozenset((pid, pid * 10 + chance.choice((0, 1))) for pid in pids)

    return Claim(some(), some(), some(), some())


FORESTS, CLAIMS = st.builds(_forest, st.integers(1, 23), CHANCE), st.builds(_claim, CHANCE)


def parents(table: Forest, pid: int) -> list[int]:
    """The pids above, by another way than the code's."""
    above = []
    while pid in table and table[pid].parent in table:
        pid = table[pid].parent
        above.append(pid)
    return above


def may_be_reached(table: Forest, one: Process, claim: Claim, caller: Caller) -> bool:
    """The definition in the contract's words, looked at from the process upwards."""
    own = {caller.pid, *parents(table, caller.pid)}
    if one.pid <= 1 or one.pid in own or not one.is_alive:
        return False
    for depth, root in enumerate([one.pid, *parents(table, one.pid)]):
        found = table[root]
        as_launcher = who(root) in claim.launchers
        claimed = as_launcher or who(root) in claim.orphans or who(root) in claim.holders
        kind_fits = found.kind == ("launcher" if as_launcher else "") or (as_launcher and root == caller.pid)
        if not as_launcher:  # only a launcher is in a window
            kinds = [table[pid].kind for pid in parents(table, root) if table[pid].kind]
            kind_fits = kind_fits and kinds[:1] in ([], ["launcher"])
        is_below_us = who(root) in claim.recorded or (as_launcher and found.uid == 0)
        user_fits = one.uid == caller.uid or (caller.uid == 0 and is_below_us)
        if claimed and kind_fits and user_fits and (root not in own or (as_launcher and root == caller.pid)):
            return True
        if found.kind:
            return False
        assert depth < len(table)
    return False


@settings(max_examples=150)
@given(FORESTS, CLAIMS, st.integers(1, 25), st.sampled_from((1000, 0)))
def test_exactly_those_of_the_definition_are_reached(table: Forest, claim: Claim, pid: int, uid: int) -> None:
    caller = Caller(pid, uid)
    expected = {each.pid for each in table.values() if may_be_reached(table, each, claim, caller)}
    assert set(permitted(table, claim, caller)) == expected


@settings(max_examples=150)
@given(FORESTS, CLAIMS, st.integers(1, 25), st.sampled_from((1000, 0)))
def test_what_is_above_tells_whether_one_may_be_reached(table: Forest, claim: Claim, pid: int, uid: int) -> None:
    caller = Caller(pid, uid)
    for asked in table:
        above = {each: table[each] for one in (pid, asked) for each in line_of(table, one)}
        assert (asked in permitted(above, claim, caller)) == (asked in permitted(table, claim, caller))


@settings(max_examples=150)
@given(FORESTS, CLAIMS, st.integers(1, 25))
def test_no_group_with_a_stranger_in_it_is_ended_as_a_whole(table: Forest, claim: Claim, pid: int) -> None:
    may = permitted(table, claim, Caller(pid, 1000))
    for group in whole_groups(table, may):
        members = [each.pid for each in table.values() if each.group == group and each.is_alive]
        assert set(members) <= set(may)


def test_a_persons_tmux_server_below_a_service_lives_with_all_that_is_in_it() -> None:
    server = process(20, 10, kind="multiplexer")
    table = forest(process(10, kind="launcher"), process(11, 10), server, process(21, 20), process(22, 21))
    reached = permitted(table, Claim(launchers=frozenset([who(10)])), Caller(99, 1000))
    assert sorted(reached) == [10, 11]


def test_a_tmux_server_that_was_started_with_our_tags_is_no_orphan() -> None:
    table = forest(process(20, kind="multiplexer"), process(21, 20))
    claim = Claim(orphans=frozenset([who(20)]), holders=frozenset([who(20)]))
    assert permitted(table, claim, Caller(99, 1000)) == {}


def test_a_holder_that_started_this_task_keeps_its_other_children() -> None:
    table = forest(process(10), process(11, 10, name="editor"), process(12, 10), process(13, 12))
    assert permitted(table, Claim(holders=frozenset([who(10)])), Caller(13, 1000)) == {}


def test_a_launcher_ends_what_is_below_it_and_not_itself() -> None:
    table = forest(process(10, kind="launcher"), process(11, 10), process(12, 11))
    assert sorted(permitted(table, Claim(launchers=frozenset([who(10)])), Caller(10, 1000))) == [11, 12]


def test_root_reaches_workers_of_another_user_below_its_own_launcher_or_on_record_and_no_others() -> None:
    """nginx that root had started could not be ended once its window was gone: its workers are another user's."""
    nginx = [process(11, 10, uid=0), process(12, 11, uid=33), process(13, uid=33), process(14, uid=33)]
    table = forest(process(10, kind="launcher", uid=0), *nginx)
    claim = Claim(frozenset([who(10)]), orphans=frozenset(map(who, (13, 14))), recorded=frozenset([who(13)]))
    assert sorted(permitted(table, claim, Caller(99, 0))) == [10, 11, 12, 13]
    assert sorted(permitted(table, claim, Caller(99, 33))) == [12, 13, 14]
    a_users = forest(process(10, kind="launcher", uid=1000), process(11, 10, uid=1000))
    assert permitted(a_users, Claim(frozenset([who(10)])), Caller(99, 0)) == {}


def test_what_a_launcher_has_adopted_from_a_persons_window_lives_on_while_the_launcher_ends() -> None:
    """Once its memory is gone it looks like any other process, and its guests like its own; one of them got TERM."""
    launcher = Process(10, 1, 1, 10, 10, 0, is_ending=True)
    table = {10: launcher, 20: Process(20, 2, 10, 20, 20, 0)}
    assert family(table, (10, 1)) == [launcher]


def test_a_pid_that_was_given_to_another_process_is_not_reached() -> None:
    assert permitted(forest(process(10)), Claim(orphans=frozenset([(10, 99)])), Caller(99, 1000)) == {}


def test_another_service_that_was_started_from_within_a_service_is_left_alone() -> None:
    table = forest(process(10, kind="launcher"), process(11, 10), process(12, 11, kind="launcher"), process(13, 12))
    assert sorted(permitted(table, Claim(launchers=frozenset([who(10)])), Caller(99, 1000))) == [10, 11]


def test_a_process_whose_first_thread_has_ended_is_alive() -> None:
    table = forest(process(10, kind="launcher"), process(11, 10, state="Z", threads=3), process(12, 10, state="Z"))
    assert [each.pid for each in family(table, who(10))] == [10, 11]


def test_names_of_servers_that_windows_live_in() -> None:
    names = ["tmux: server", "tmux", "SCREEN", "zellij", "tmux: client", "python3", "tmuxinator"]
    assert [name for name in names if is_multiplexer(name)] == names[:4]
