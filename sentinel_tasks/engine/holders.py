"""Who holds a port that a service wants, in words, and the ways on. Looks at nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ..decisions.containers import engine_of, runs_containers
from ..model import Holder, Listener, Service, Workspace
from ..names import typed_target, typed_tmux, unmarked
from ..report.phrases import command
from ..text.duration import duration
from ..text.sanitize import plain


def who(holder: Holder, workspace: Workspace) -> str:
    """The holder in one phrase, as much as can be seen of it."""
    listener = holder.listener
    if holder.relation == "workspace":
        return _service_of(holder, workspace)
    if listener.identity is None:
        whose = f" of user {listener.user}" if listener.user else ""
        return f"a process{whose} that can't be seen"
    name = f"{name_of(listener)} (pid {listener.identity.pid})"
    if engine := engine_of(listener.name):
        return f"{name}, by which {engine} publishes a container's port"
    if holder.relation == "other-user":
        return f"{name} of user {listener.user}"
    if holder.relation == "protected":
        return f"{name}, which " + ("started this task" if listener.is_above_us else "holds a person's terminals")
    if holder.relation in ("pane", "adopted"):
        place = f"window {holder.pane.index} of session {holder.pane.session}" if holder.pane else "another tmux server"
        return f"{name} in {place}"
    folder = "this workspace" if holder.inside else plain(listener.cwd or "a folder that can't be seen")
    return f"{name}, outside tmux, run from {folder}"


def name_of(listener: Listener) -> str:
    """Its program's name, made plain by itself: a sequence left open in it would take with it what is told behind."""
    return plain(listener.name or "") or "a process"


def _service_of(holder: Holder, workspace: Workspace) -> str:
    listener, pane = holder.listener, holder.pane
    pid = listener.identity.pid if listener.identity else "unseen"
    name = pane.service if pane else listener.service
    home = unmarked(pane.home) if pane else listener.workspace
    if home == workspace.path:
        return f"{name}, another service of this workspace (pid {pid})"
    gone = ", which is no more" if holder.is_gone else ""
    return f"{name} of the workspace {home}{gone} (pid {pid})"


def details(holder: Holder) -> tuple[str, ...]:
    """What is known of it beside that: its pid, user and age, its command line and its folder."""
    listener = holder.listener
    if listener.identity is None:
        return ()
    facts = [f"pid {listener.identity.pid}", f"user {listener.user}", f"running for {duration(listener.age)}"]
    lines = [", ".join(facts)]
    lines += [f"command: {listener.command}"] if listener.command else []
    lines += [f"folder: {listener.cwd}"] if listener.cwd else []
    return tuple(lines)


def ways_on(service: Service, holder: Holder, workspace: Workspace) -> str:
    """What a person can type next; no task reaches a service whose workspace was moved or deleted."""
    again = command(service, "start", workspace.typed)
    ways = [f"{again} --port auto" if service.has_tasks else f"{again} --on-conflict auto"] if again else []
    if engine := engine_of(holder.listener.name):
        return _ways_to_container(engine, service, ways)
    if holder.relation == "foreign" and again:
        ways.insert(0, f"{again} --on-conflict takeover")
    elif (pane := holder.pane) is not None:
        verb = "kill-window" if holder.is_gone else "attach"
        ways.append(f"{typed_tmux(workspace.socket_name)} {verb} -t {typed_target(pane.session, pane.index)}")
    return " or ".join(ways)


def _ways_to_container(engine: str, service: Service, ways: Sequence[str]) -> str:
    """Ending what publishes the port ends no container; a service that is one has no port of its own here."""
    named = f"{engine} ps names the container"
    if runs_containers(service):
        return f"{named}; a service that runs in {engine} has health: {{command: …}} instead of a port"
    return " or ".join([named, *ways])


def ending(holder: Holder, event: str) -> str:
    """What is being ended, for the note and the event log."""
    listener = holder.listener
    what = f"{name_of(listener)} (pid {listener.pid})"
    if event == "stray":
        return f"stopped a stray of this service: {what}"
    return f"stopped what held the port: {what}{f', {plain(listener.command)}' if listener.command else ''}"


def adopted(holder: Holder) -> str:
    """Where a hand-started process serves."""
    place = f"window {holder.pane.index} ({holder.pane.window_name})" if holder.pane else "this session"
    return f"started by hand in {place}; adopted"
