"""Steps in which somebody sets or unsets the marks of ours that tmux keeps."""

from __future__ import annotations

from collections.abc import Callable

from tests.chaos.play import Play

MARKS = ("service", "home", "state", "kind", "launch", "launcher", "port", "ready")
SESSION = "=sentinel-app:"


def alter_marks(play: Play) -> None:
    """Marks are changed or lost: what runs is found all the same, runs once, and can be stopped."""
    panes = marked_panes(play)
    if not panes:
        play.start(play.scene.some())
    if not (panes := panes or marked_panes(play)):
        return
    pane = play.random.choice(panes)
    marks = MARKS[:-1] if play.scene.flavour.notifies else MARKS
    for mark in play.random.sample(marks, play.random.choice((1, 1, 2, len(marks)))):
        lies = () if mark in ("launch", "port") else ("1", "web", "work", "/nowhere")
        change(play, "-p", pane, mark, play.random.choice((None, "", *lies)))
    goes_on(play)


def mark_a_stranger(play: Play) -> None:
    """A person's pane carries the marks of a service: it is left alone, and is not taken for the service."""
    panes, strangers = marked_panes(play), unmarked_panes(play)
    if not panes or not strangers:
        return
    pane, (stranger, pid) = play.random.choice(panes), play.random.choice(strangers)
    for mark in MARKS:
        change(
            play,
            "-p",
            stranger,
            mark,
            play.scene.lab.tmux("show-options", "-p", "-q", "-v", "-t", pane, f"@sentinel_{mark}"),
        )
    if play.scene.chance(0.3):
        change(play, "-p", stranger, "launcher", pid)
    goes_on(play)
    for mark in MARKS:
        change(play, "-p", stranger, mark, None)


def alter_session(play: Play) -> None:
    """The session says that it is another workspace's, or nobody's, or that other ports were picked."""
    if not play.scene.lab.tmux("list-windows", "-t", SESSION):
        return
    home = play.scene.lab.tmux("show-options", "-q", "-v", "-t", SESSION, "@sentinel_workspace")
    mark, value = play.random.choice(
        (("workspace", None), ("workspace", "/nowhere"), ("ports", "work=x"), ("ports", "?"))
    )
    change(play, "", SESSION, mark, value)
    goes_on(play)
    if mark == "workspace":
        change(play, "", SESSION, mark, home)


def goes_on(play: Play) -> None:
    play.judge.status()
    told = play.scene.told()
    for each in play.scene.names:
        error = told[each]["error"] or ""
        is_wrong = bool(play.oracle.in_windows(each)) and "without its window" in error
        play.scene.expect(not is_wrong, f"{each} has a window, but it is told that it {error}")
    name = play.scene.some()
    if play.scene.chance(0.6):
        play.start(name)
    if play.scene.chance(0.6):
        play.stop(name)


def change(play: Play, kind: str, target: str, mark: str, value: str | None) -> None:
    """Sets the mark, or unsets it."""
    option, words = f"@sentinel_{mark}", [kind] if kind else []
    play.scene.note(f"{target} {option}: {value}")
    if value is None:
        play.scene.lab.tmux("set-option", *words, "-u", "-t", target, option)
    else:
        play.scene.lab.tmux("set-option", *words, "-t", target, option, value)


def marked_panes(play: Play) -> list[str]:
    """The panes that run a service, or did."""
    return [pane for pane, _, service in rows(play) if service in play.scene.names]


def unmarked_panes(play: Play) -> list[tuple[str, str]]:
    """A person's panes, each with what it runs."""
    guests = [str(pid) for pid in play.neighbours.guests]
    return [(pane, pid) for pane, pid, service in rows(play) if not service and pid in guests]


def rows(play: Play) -> list[tuple[str, str, str]]:
    said = play.scene.lab.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_pid} #{@sentinel_service}")
    return [(pane, pid, "".join(service)) for pane, pid, *service in map(str.split, said.splitlines())]


STEPS: dict[Callable[[Play], None], int] = {alter_marks: 3, mark_a_stranger: 2, alter_session: 1}
