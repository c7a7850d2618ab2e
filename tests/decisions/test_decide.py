"""The contract's table of decisions (Start), row by row, and the other opinions."""

from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sentinel_tasks.decisions.decide import Watch, decide, state
from sentinel_tasks.decisions.dependencies import is_satisfied, order, with_dependencies
from sentinel_tasks.decisions.ownership import Owner, classify, is_in_the_way, is_inside
from sentinel_tasks.lineage.process import Process
from sentinel_tasks.model import (
    HEALTH_KINDS,
    Action,
    Condition,
    Conflict,
    Done,
    EndHolders,
    Fail,
    Health,
    Holder,
    Identity,
    Launch,
    Listener,
    Observation,
    Pane,
    Refuse,
    Relation,
    Run,
    State,
    Wait,
)
from sentinel_tasks.names import mark, session_with_suffix
from sentinel_tasks.tmux.lookup import free_index, pane_of, session_of
from tests.facts import (
    ENDED_RUN,
    HEALTHY,
    LAUNCHER,
    NOW,
    OTHER_PATH,
    OTHER_SESSION,
    OWN_LAUNCHER,
    OWN_PANE,
    OWN_RUN,
    PATH,
    SERVER,
    SESSION,
    SICK,
    foreign_pane,
    holder,
    listener,
    pane,
    process,
    seen,
    seen_alive,
    seen_ended,
    service,
)

NO_WATCH = Watch()
OURS = holder("ours", pid=4242)
WINDOWLESS = replace(OWN_LAUNCHER, has_window=False)
HIDDEN = replace(OWN_LAUNCHER, server=2999, is_reached=False)
WINDOWS = {"alive": seen_alive(), "none": seen(), "dead": seen_ended()}
CONFLICTS: tuple[Conflict, ...] = get_args(Conflict)
RELATIONS: tuple[Relation, ...] = get_args(Relation)


def at(conflict: Conflict, window: str, *holders: Holder, answer: object = None, watch: Watch = NO_WATCH) -> Action:
    """What the contract (Start) says for this window, these listeners and this answer."""
    observed = replace(WINDOWS[window], holders=holders, answer=answer)
    return decide(service(on_conflict=conflict), observed, watch)


# The table, row by row


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_row_alive_and_its_own_listener(conflict: Conflict) -> None:
    assert at(conflict, "alive", OURS, answer=HEALTHY) == Done()
    assert at(conflict, "alive", OURS, answer=SICK) == Wait()
    assert at(conflict, "alive", OURS) == Wait()


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_row_alive_and_nobody(conflict: Conflict) -> None:
    assert at(conflict, "alive") == Wait()


@pytest.mark.parametrize(("seconds", "expected"), [(3, Wait()), (11, Done()), (-5, Done())])
def test_row_alive_and_asked_to_end_is_waited_for_as_long_as_it_may_take(seconds: float, expected: Action) -> None:
    asked = seen_alive(run=replace(OWN_RUN, asked=NOW - seconds), holders=(OURS,), answer=HEALTHY)
    assert decide(service(stop_timeout=10), asked, NO_WATCH) == expected


@pytest.mark.parametrize("conflict", CONFLICTS)
@pytest.mark.parametrize("window", ["none", "dead"])
def test_row_none_or_dead_and_nobody(conflict: Conflict, window: str) -> None:
    assert at(conflict, window) == Launch(move=False)


@pytest.mark.parametrize("conflict", CONFLICTS)
@pytest.mark.parametrize("window", WINDOWS)
def test_row_stray(conflict: Conflict, window: str) -> None:
    strays = (holder("stray"), holder("stray", pid=5001))
    assert at(conflict, window, *strays) == EndHolders(strays, "stray")


@pytest.mark.parametrize("conflict", CONFLICTS)
@pytest.mark.parametrize("window", WINDOWS)
def test_row_started_by_hand_in_another_window_of_the_session(conflict: Conflict, window: str) -> None:
    by_hand = holder("adopted", pane=foreign_pane(session=SESSION))
    assert at(conflict, window, by_hand, answer=HEALTHY) == Done(adopted=by_hand)
    assert at(conflict, window, by_hand, answer=SICK) == Refuse(by_hand)
    assert at(conflict, window, by_hand) == Wait()


@pytest.mark.parametrize("relation", ["protected", "workspace", "pane", "other-user", "unknown"])
@pytest.mark.parametrize(
    ("conflict", "window", "expected"),
    [
        ("stop", "none", Refuse),
        ("takeover", "none", Refuse),
        ("fail", "none", Refuse),
        ("auto", "none", Launch),
        ("stop", "dead", Refuse),
        ("takeover", "dead", Refuse),
        ("fail", "dead", Refuse),
        ("auto", "dead", Launch),
        ("stop", "alive", Refuse),
        ("takeover", "alive", Refuse),
        ("fail", "alive", Refuse),
        ("auto", "alive", Refuse),
    ],
)
def test_rows_never_stopped(relation: Relation, conflict: Conflict, window: str, expected: type[Action]) -> None:
    other = holder(relation, inside=True)
    action = at(conflict, window, other)
    assert action == (Refuse(other) if expected is Refuse else Launch(move=True))


@pytest.mark.parametrize("window", WINDOWS)
def test_row_outside_tmux_from_this_workspace(window: str) -> None:
    other = holder("foreign", inside=True)
    assert at("stop", window, other) == EndHolders((other,), "takeover")
    assert at("takeover", window, other) == EndHolders((other,), "takeover")
    assert at("fail", window, other) == Refuse(other)
    assert at("auto", window, other) == (Refuse(other) if window == "alive" else Launch(move=True))


@pytest.mark.parametrize("window", WINDOWS)
def test_row_outside_tmux_from_elsewhere(window: str) -> None:
    other = holder("foreign", inside=False)
    assert at("takeover", window, other) == EndHolders((other,), "takeover")
    assert at("stop", window, other) == Refuse(other)
    assert at("fail", window, other) == Refuse(other)
    assert at("auto", window, other) == (Refuse(other) if window == "alive" else Launch(move=True))


# More than one listener


def test_nobody_is_ended_where_one_of_several_holders_may_not_be() -> None:
    mine, theirs = holder("foreign", inside=True), holder("other-user", pid=5001)
    assert at("stop", "none", mine, theirs) == Refuse(theirs)
    assert at("takeover", "none", mine, theirs) == Refuse(theirs)


def test_refusal_names_whom_a_person_can_do_least_about() -> None:
    other_user, by_hand = holder("other-user"), holder("adopted", pid=5001)
    assert at("stop", "none", by_hand, other_user) == Refuse(other_user)


def test_stray_beside_a_process_that_may_be_ended() -> None:
    both = (holder("stray"), holder("foreign", inside=True, pid=5001))
    assert at("stop", "none", *both) == EndHolders(both, "takeover")


def test_our_own_listener_does_not_excuse_another_one() -> None:
    intruder = holder("other-user", pid=5001)
    assert at("stop", "alive", OURS, intruder, answer=HEALTHY) == Refuse(intruder)


# While waiting

LAUNCHED, FOUND = Watch(launched="L1"), Watch(found="L1")


@pytest.mark.parametrize("conflict", CONFLICTS)
@pytest.mark.parametrize("inside", [True, False])
def test_port_that_turns_up_in_other_hands_is_exit_4_now(conflict: Conflict, inside: bool) -> None:
    thief = holder("foreign", inside)
    assert at(conflict, "alive", thief, watch=LAUNCHED) == Refuse(thief)


@pytest.mark.parametrize("conflict", ["stop", "takeover", "fail"])
def test_thief_is_named_and_left_alone_also_where_the_service_died_of_it(conflict: Conflict) -> None:
    thief = holder("foreign", inside=True)
    assert at(conflict, "dead", thief, watch=LAUNCHED) == Refuse(thief)


def test_automatic_port_that_was_stolen_is_tried_elsewhere() -> None:
    assert at("auto", "dead", holder("foreign"), watch=LAUNCHED) == Launch(move=True)


@pytest.mark.parametrize("watch", [LAUNCHED, FOUND])
def test_end_while_waiting_is_a_failure_now(watch: Watch) -> None:
    assert at("stop", "dead", watch=watch) == Fail("ended")


@pytest.mark.parametrize("watch", [LAUNCHED, FOUND])
def test_window_closed_while_waiting_is_a_failure_now(watch: Watch) -> None:
    assert at("stop", "none", watch=watch) == Fail("ended")


def test_orders_that_were_not_taken_are_told_in_the_launchers_words() -> None:
    broken = Run(launch="L1", launcher=4000, ended=NOW, error="broken off")
    assert decide(service(), seen_ended(run=broken), LAUNCHED) == Fail("not-taken", "broken off")


def test_a_launch_that_replaced_the_one_we_followed_is_not_our_failure() -> None:
    later = seen_ended(pane=pane(dead=True, launch="L2"))
    assert decide(service(), later, LAUNCHED) == Launch()


def test_timeout() -> None:
    late = Watch(launched="L1", late=True)
    assert at("stop", "alive", OURS, answer=SICK, watch=late) == Fail("timeout")
    assert at("stop", "alive", watch=late) == Fail("timeout")
    assert at("stop", "alive", OURS, answer=HEALTHY, watch=late) == Done()


def test_launcher_without_a_record_is_started_anew_unless_we_just_made_it() -> None:
    broken_off = seen_alive(run=None)
    assert decide(service(), broken_off, NO_WATCH) == Launch()
    assert decide(service(), broken_off, LAUNCHED) == Wait()


def test_service_between_two_lives_is_waited_for() -> None:
    restarting = seen_alive(run=replace(ENDED_RUN, next_start=NOW + 1))
    assert decide(service(restart="always"), restarting, LAUNCHED) == Wait()


def test_one_shot_that_is_done_is_not_run_again() -> None:
    one_shot = service(health=Health("exit"), port=None)
    done = replace(ENDED_RUN, exit_code=0)
    assert decide(one_shot, seen_ended(run=done, port=None), NO_WATCH) == Done()
    assert decide(one_shot, seen_ended(run=done, port=None), LAUNCHED) == Done()
    assert decide(one_shot, seen_ended(run=replace(done, interrupted=True)), NO_WATCH) == Launch()
    assert decide(one_shot, seen_ended(run=replace(done, exit_code=1)), LAUNCHED) == Fail("ended")
    assert decide(one_shot, seen_ended(run=replace(done, exit_code=1)), NO_WATCH) == Launch()


# Every combination

ANSWERS = (None, HEALTHY, SICK)
WATCHES = [
    Watch(launched, follows, late) for launched, follows, late in product((None, "L1"), (None, "L1"), (False, True))
]
LOOKS = [
    *WINDOWS.values(),
    seen_alive(run=None),
    seen_ended(run=None),
    seen_ended(run=replace(ENDED_RUN, exit_code=0)),
    seen_ended(run=replace(ENDED_RUN, error="x")),
    seen_alive(run=ENDED_RUN),
    seen_alive(launcher=WINDOWLESS, pane=None),
    seen_alive(launcher=HIDDEN, pane=None),
    seen_ended(orphans=(holder("stray", pid=5009),)),
    seen_alive(pane=pane(launcher=1), launcher=None, family=()),
]
SPARED = ("ours", "protected", "adopted", "workspace", "pane", "other-user", "unknown")
HEALTHS = [Health(kind, "/") for kind in HEALTH_KINDS]

holders = st.lists(
    st.builds(holder, st.sampled_from(RELATIONS), st.booleans(), st.integers(5000, 5005)), max_size=3
).map(tuple)
looks = st.builds(
    lambda look, holders, answer: replace(look, holders=holders, answer=answer),
    st.sampled_from(LOOKS),
    holders,
    st.sampled_from(ANSWERS),
)


def check(conflict: Conflict, health: Health, look: Observation, watch: Watch) -> None:
    """Contract, Start, and the third reservation: who may be ended at all."""
    action = decide(service(on_conflict=conflict, health=health), look, watch)
    assert isinstance(action, get_args(Action))
    if isinstance(action, Done) and health.kind != "exit":
        assert look.answer is not None
        assert look.answer.ok
    if not isinstance(action, EndHolders):
        return
    for ended in action.holders:
        assert ended in (*look.holders, *look.orphans)
        assert ended.relation not in SPARED
        if conflict in ("fail", "auto"):
            assert ended.relation == "stray"
        if conflict == "stop":
            assert ended.relation == "stray" or ended.inside


def test_every_combination_of_two_holders_has_one_action_that_ends_nobody_it_must_not() -> None:
    some = [holder(relation, inside, pid) for pid, relation in enumerate(RELATIONS, 5000) for inside in (True, False)]
    groups = [(), *((one,) for one in some), *product(some, some)]
    for conflict, look, watch, group in product(CONFLICTS, WINDOWS.values(), WATCHES[:3], groups):
        check(conflict, HEALTHS[0], replace(look, holders=group, answer=HEALTHY), watch)


@given(st.sampled_from(CONFLICTS), st.sampled_from(HEALTHS), looks, st.sampled_from(WATCHES))
def test_any_facts_have_one_action_that_ends_nobody_it_must_not(
    conflict: Conflict, health: Health, look: Observation, watch: Watch
) -> None:
    check(conflict, health, look, watch)


@given(st.sampled_from(HEALTHS), looks)
def test_any_facts_have_one_state(health: Health, look: Observation) -> None:
    word = state(service(health=health), look)
    assert word in get_args(State)
    if word == "running":
        assert look.answer is not None
        assert look.answer.ok
        assert {each.relation for each in look.holders} <= {"ours", "adopted"}


# Whose port is it


OWNER = Owner("telemetry", PATH, SESSION, OWN_LAUNCHER, frozenset({Identity(5009, 5009)}))
OTHER_SERVER = process(4899, kind="multiplexer")


def relation(who: Listener, *panes: Pane, owner: Owner = OWNER) -> Relation:
    return classify(who, owner, panes).relation


def below(*above: Process, pid: int = 5000, **keys: object) -> Listener:
    """A listener below these processes, nearest first."""
    return listener(**{"identity": Identity(pid, pid), "line": (process(pid, above[0].pid), *above), **keys})


IN_OWN = below(LAUNCHER, SERVER)
BY_HAND = below(process(4900, 3000), SERVER)


def test_ours_is_what_runs_below_our_launcher_whatever_it_did_to_itself() -> None:
    assert relation(IN_OWN, OWN_PANE) == "ours"
    assert relation(replace(IN_OWN, cwd="/elsewhere", service="web", workspace="/x"), OWN_PANE) == "ours"
    assert relation(replace(IN_OWN, own_user=False, user="root"), OWN_PANE) == "ours"


def test_ours_is_also_what_runs_below_our_launcher_on_a_tmux_server_that_is_not_reached() -> None:
    assert relation(IN_OWN) == "ours"


def test_what_is_below_a_tmux_server_that_is_below_our_launcher_is_a_persons() -> None:
    assert relation(below(process(4900, 4899), process(4899, 4000, kind="multiplexer"), LAUNCHER), OWN_PANE) == "pane"


def test_process_put_into_our_window_by_hand_is_not_ours() -> None:
    respawned = pane(launcher=3999, pid=4900)
    assert relation(BY_HAND, respawned, owner=replace(OWNER, launcher=None)) == "adopted"


def test_stray_is_what_was_left_without_a_launcher() -> None:
    assert relation(below(process(1, 0), pid=5009), OWN_PANE) == "stray"


@pytest.mark.parametrize(("path", "name"), [(PATH, "dev"), (OTHER_PATH, "telemetry"), (OTHER_PATH, "dev")])
def test_another_services_stray_is_never_ours(path: str, name: str) -> None:
    assert relation(listener(workspace=path, service=name)) == "workspace"


def test_tmux_server_that_holds_the_port_is_protected_whatever_tags_it_carries() -> None:
    server = below(process(1, 0), workspace=PATH, service="telemetry", name="tmux: server")
    server = replace(server, line=(process(5000, kind="multiplexer"), *server.line[1:]))
    assert relation(server) == "protected"


def test_whoever_started_this_very_task_is_protected() -> None:
    assert relation(listener(is_above_us=True)) == "protected"


def test_adopted_runs_in_a_hand_made_window_of_our_session() -> None:
    assert relation(BY_HAND, foreign_pane(session=SESSION)) == "adopted"


def test_workspace_is_what_runs_below_another_services_launcher() -> None:
    theirs = below(process(4900, 3000, kind="launcher"), SERVER)
    assert relation(theirs, pane(pane_id="%7", pid=4900, launcher=4900, home=OTHER_PATH, session=OTHER_SESSION)) == (
        "workspace"
    )
    assert relation(theirs) == "workspace"


def test_pane_is_somebody_elses() -> None:
    assert relation(BY_HAND, foreign_pane()) == "pane"


def test_what_is_below_a_tmux_server_is_a_persons_whatever_tags_it_carries() -> None:
    assert relation(below(process(4900, 4899), OTHER_SERVER)) == "pane"
    assert relation(below(process(4900, 4899), OTHER_SERVER, workspace=PATH, service="telemetry")) == "pane"


def test_dead_pane_whose_pid_was_given_to_somebody_else_claims_nothing() -> None:
    assert relation(below(process(4000, 1)), pane(dead=True)) == "foreign"


@pytest.mark.parametrize(
    ("folder", "inside"),
    [
        (PATH, True),
        (f"{PATH}/src", True),
        (f"{PATH}2", False),
        ("/home/ann", False),
        (None, False),
    ],
)
def test_foreign_tells_whether_it_was_run_from_this_workspace(folder: str | None, inside: bool) -> None:
    found = classify(listener(cwd=folder), OWNER, [OWN_PANE])
    assert (found.relation, found.inside) == ("foreign", inside)
    assert is_inside(folder, PATH) is inside


@pytest.mark.parametrize(
    ("address", "relation", "inside", "in_the_way"),
    [
        ("127.0.0.1", "foreign", False, True),
        ("::1", "other-user", False, True),
        ("0.0.0.0", "unknown", False, True),
        ("127.0.0.2", "ours", False, True),
        ("127.0.0.2", "adopted", False, True),
        ("127.0.0.2", "stray", False, True),
        ("127.0.0.2", "foreign", True, True),
        ("127.0.0.2", "foreign", False, False),
        ("127.0.0.2", "other-user", False, False),
        ("127.0.0.2", "workspace", True, False),
    ],
)
def test_a_stranger_at_another_loopback_address_is_in_nobodys_way(
    address: str, relation: Relation, inside: bool, in_the_way: bool
) -> None:
    assert is_in_the_way(Holder(listener(address=address), relation, inside=inside)) is in_the_way


def test_other_users_process() -> None:
    assert relation(listener(own_user=False, user="bob")) == "other-user"
    assert relation(replace(BY_HAND, own_user=False, user="bob"), OWN_PANE) == "other-user"
    assert relation(Listener("127.0.0.1", user="bob")) == "other-user"


def test_unseen_process() -> None:
    assert relation(Listener("127.0.0.1")) == "unknown"
    assert relation(Listener("127.0.0.1", user="ann", own_user=True)) == "unknown"


# What state is that

YOUNG_RUN = replace(OWN_RUN, started=NOW - 5)


@pytest.mark.parametrize(
    ("look", "word"),
    [
        (seen(), "stopped"),
        (seen_alive(holders=(OURS,), answer=HEALTHY), "running"),
        (seen_alive(holders=(OURS,), answer=SICK), "unhealthy"),
        (seen_alive(), "unhealthy"),
        (seen_alive(run=YOUNG_RUN), "starting"),
        (seen_alive(run=YOUNG_RUN, holders=(OURS,), answer=SICK), "starting"),
        (seen_alive(run=None), "starting"),
        (seen_alive(run=YOUNG_RUN, pane=pane(ready="L1"), answer=SICK), "unhealthy"),
        (seen_alive(run=YOUNG_RUN, pane=pane(ready="L0"), answer=SICK), "starting"),
        (seen_alive(holders=(OURS, holder("other-user", pid=5001)), answer=HEALTHY), "conflict"),
        (seen_alive(holders=(holder("foreign"),)), "conflict"),
        (seen_alive(run=replace(ENDED_RUN, next_start=NOW + 1, started=NOW - 5)), "starting"),
        (seen_ended(), "crashed"),
        (seen_ended(run=replace(ENDED_RUN, exit_code=None, signal="SIGSEGV")), "crashed"),
        (seen_ended(run=replace(ENDED_RUN, exit_code=0)), "stopped"),
        (seen_ended(run=replace(ENDED_RUN, exit_code=130, interrupted=True)), "stopped"),
        (seen_ended(run=OWN_RUN), "crashed"),
        (seen(run=ENDED_RUN), "crashed"),
        (seen_alive(run=ENDED_RUN), "crashed"),
        (seen_alive(pane=pane(launcher=1), launcher=None, family=()), "crashed"),
        (seen(holders=(holder("foreign"),)), "conflict"),
        (seen(holders=(holder("workspace"),)), "conflict"),
        (seen(holders=(holder("stray"),)), "stopped"),
        (seen(orphans=(holder("stray"),)), "unhealthy"),
        (seen(orphans=(holder("stray"),), run=ENDED_RUN), "unhealthy"),
        (seen(orphans=(holder("stray"),), holders=(holder("foreign", pid=5001),)), "conflict"),
        (seen_alive(launcher=WINDOWLESS, pane=None, holders=(OURS,), answer=HEALTHY), "unhealthy"),
        (seen_alive(run=None, family=(), answer=HEALTHY), "starting"),
        (seen_alive(run=YOUNG_RUN, family=(), answer=HEALTHY), "starting"),
        (seen_alive(launcher=WINDOWLESS, pane=None, run=ENDED_RUN), "unhealthy"),
        (seen_alive(launcher=WINDOWLESS, pane=None, run=ENDED_RUN, family=()), "crashed"),
        (seen_alive(launcher=HIDDEN, pane=None, holders=(OURS,), answer=HEALTHY), "running"),
        (seen(holders=(holder("adopted"),), answer=HEALTHY), "running"),
        (seen(holders=(holder("adopted"),), answer=SICK), "conflict"),
        (seen(holders=(holder("adopted"), holder("foreign")), answer=HEALTHY), "conflict"),
    ],
)
def test_state(look: Observation, word: State) -> None:
    assert state(service(), look) == word


def test_states_of_a_one_shot() -> None:
    one_shot = service(health=Health("exit"), port=None)
    assert state(one_shot, seen_alive(answer=SICK)) == "starting"
    assert state(one_shot, seen_ended(run=replace(ENDED_RUN, exit_code=0))) == "completed"
    assert state(one_shot, seen_ended(run=replace(ENDED_RUN, exit_code=0, interrupted=True))) == "stopped"
    assert state(one_shot, seen_ended()) == "crashed"


# In which order


def named(name: str, *needs: str) -> object:
    return service(name, depends_on=tuple((need, "healthy") for need in needs))


def names(*services: object) -> list[str]:
    return [each.name for each in order(services)]  # type: ignore[arg-type]


def test_order_keeps_what_is_independent_as_it_came() -> None:
    assert names(named("c"), named("a"), named("b")) == ["c", "a", "b"]


def test_order_puts_the_needed_first() -> None:
    assert names(named("web", "api", "db"), named("api", "db"), named("db")) == ["db", "api", "web"]


def test_order_ignores_what_is_not_among_the_services() -> None:
    assert names(named("web", "db")) == ["web"]


@pytest.mark.parametrize(
    ("services", "cycle"),
    [
        ([named("a", "a")], "a -> a"),
        ([named("a", "b"), named("b", "a")], "a -> b -> a"),
        ([named("x", "a"), named("a", "b"), named("b", "c"), named("c", "a")], "a -> b -> c -> a"),
    ],
)
def test_cycle_is_named(services: list[object], cycle: str) -> None:
    with pytest.raises(ValueError, match=f"^{cycle}$"):
        names(*services)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_order_has_everything_once_and_every_need_before_its_user(edges: list[tuple[int, int]]) -> None:
    needs = {number: sorted({a for a, b in edges if b == number and a < b}) for number in range(10)}
    placed = names(*(named(f"s{number}", *(f"s{need}" for need in needs[number])) for number in reversed(range(10))))
    assert sorted(placed) == sorted(f"s{number}" for number in range(10))
    for number, needed in needs.items():
        assert all(placed.index(f"s{need}") < placed.index(f"s{number}") for need in needed)


def test_wanted_services_bring_what_they_need_and_no_more() -> None:
    services = {
        each.name: each
        for each in (
            service("web", depends_on=(("api", "healthy"),)),
            service("api", depends_on=(("db", "started"),)),
            service("db"),
            service("mail"),
        )
    }
    assert [each.name for each in with_dependencies(["web"], services)] == ["db", "api", "web"]


# A dependency's condition


@pytest.mark.parametrize(
    ("condition", "satisfied"),
    [
        ("started", {"starting", "running", "unhealthy", "completed"}),
        ("healthy", {"running", "completed"}),
        ("completed", {"completed"}),
    ],
)
def test_conditions(condition: Condition, satisfied: set[State]) -> None:
    states: tuple[State, ...] = get_args(State)
    assert {each for each in states if is_satisfied(condition, each, settled=True)} == satisfied


def test_healthy_counts_only_once_its_own_start_is_over() -> None:
    assert not is_satisfied("healthy", "running", settled=False)
    assert is_satisfied("started", "running", settled=False)


# Whose session is it


def here(path: str) -> bool:
    return path == PATH


def session(*panes: Pane) -> tuple[str, bool, bool]:
    found = session_of(PATH, panes, here)
    return found.name, found.exists, found.unmarked


def test_session_to_make_has_the_plain_name() -> None:
    assert session() == (SESSION, False, False)


def test_own_session_is_found_by_its_mark_whatever_it_is_called() -> None:
    assert session(pane(session="renamed")) == ("renamed", True, False)


def test_session_made_by_hand_in_this_folder_is_adopted() -> None:
    assert session(foreign_pane(session=SESSION, session_path=PATH)) == (SESSION, True, True)


def test_session_of_the_plain_name_made_elsewhere_is_left_alone() -> None:
    assert session(foreign_pane(session=SESSION)) == (session_with_suffix(PATH), False, False)


def test_session_of_the_plain_name_that_belongs_to_another_workspace_is_left_alone() -> None:
    theirs = pane(workspace=OTHER_PATH, session_path=PATH)
    assert session(theirs) == (session_with_suffix(PATH), False, False)


def test_session_whose_names_are_all_taken_gets_a_further_one() -> None:
    """The start failed: "duplicate session"."""
    theirs = [foreign_pane(session=name, session_path=OTHER_PATH) for name in (SESSION, session_with_suffix(PATH))]
    further = f"{session_with_suffix(PATH)}-2"
    assert session(*theirs) == (further, False, False)
    assert session(*theirs, pane(session=further)) == (further, True, False)
    assert session(*theirs, foreign_pane(session=further)) == (f"{session_with_suffix(PATH)}-3", False, False)


def test_own_marked_session_comes_before_one_of_the_plain_name() -> None:
    plain = foreign_pane(session=SESSION, session_path=PATH)
    own = pane(session=session_with_suffix(PATH))
    assert session(plain, own) == (session_with_suffix(PATH), True, False)


@pytest.mark.parametrize("other", [f"{SESSION}2", "sentinel-ap", "sentinel-*"])
def test_sessions_are_matched_exactly(other: str) -> None:
    assert session(foreign_pane(session=other, session_path=PATH)) == (SESSION, False, False)


def test_path_that_tmux_can_not_carry_is_found_by_its_escaped_mark() -> None:
    strange = "/home/ann/a\nb"
    assert session_of(strange, [pane(workspace=mark(strange))], here).exists


# Which pane


def test_pane_is_found_by_mark_in_whatever_session_it_was_moved_to() -> None:
    moved = pane(session="work", workspace="", index=7)
    assert pane_of(PATH, "telemetry", [foreign_pane(), moved]) == moved


@pytest.mark.parametrize("other", [pane(home=OTHER_PATH), pane(service="dev"), pane(launch=""), foreign_pane()])
def test_pane_of_somebody_else_is_not_taken(other: Pane) -> None:
    assert pane_of(PATH, "telemetry", [other]) is None


def test_pane_that_was_given_another_program_by_hand_is_not_the_services() -> None:
    assert pane_of(PATH, "telemetry", [pane(launcher=1)]) is None


def test_pane_that_is_alive_comes_before_a_dead_one_and_a_newer_before_an_older() -> None:
    alive, dead, newer = pane(pane_id="%5"), pane(pane_id="%9", dead=True), pane(pane_id="%10", dead=True)
    assert pane_of(PATH, "telemetry", [dead, alive, newer]) == alive
    assert pane_of(PATH, "telemetry", [newer, dead]) == newer


@pytest.mark.parametrize(
    ("wanted", "taken", "index"),
    [(2, (), 2), (2, (2,), 3), (1, (1, 2, 3), 4), (None, (), 3), (None, (1, 2, 3, 5), 4), (0, (1,), 0)],
)
def test_free_index(wanted: int | None, taken: tuple[int, ...], index: int) -> None:
    assert free_index(wanted, frozenset(taken)) == index
