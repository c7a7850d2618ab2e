"""The page of tasks and flags, from what Invoke itself lists; scripts/reference_pages.py writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from invoke.parser import Argument, ParserContext

import sentinel_tasks
from sentinel_tasks.tasks.help import default_of, value_of

NAME = "tasks.md"
HEAD = """# Tasks and flags

Made from the code by `make reference`; a test holds that it is current. What a task promises is said in the
[contract](../contract.md#tasks). `NAME` is a service: `dev`, `telemetry` or one of your own. `-f`, `-n`, `-t`,
`-p` and `-v` stand for `--follow`, `--lines`, `--timeout`, `--port` and `--invert`; `inv NAME` alone is `NAME.status`.
Invoke's own flags stand before the task: `inv --dry up` shows the plan and changes nothing, `inv --echo up` prints each
tmux command and each signal.
"""
OF_SERVICES = """
## Of a service

`dev.start` is also called `dev.activate`, and `telemetry.activate` also `telemetry.start`.
"""
OF_A_SERVICE = "dev"


def page() -> str:
    """The whole page."""
    contexts = sentinel_tasks.namespace.to_contexts()
    own = [each for each in contexts if each.name.startswith(f"{OF_A_SERVICE}.")]
    common = {each.name.partition(".")[2] for each in own} | {"activate"}
    more = [each for each in contexts if each.name.startswith("telemetry.") and each.name[10:] not in common]
    parts = [
        HEAD,
        OF_SERVICES,
        *_sections(own),
        "\n## Of `telemetry` alone\n",
        *_sections(more),
        "\n## Of the workspace\n",
        *_sections(each for each in contexts if "." not in each.name),
    ]
    return "".join(parts)


def _sections(contexts: Iterable[ParserContext]) -> Iterator[str]:
    for context in contexts:
        name = context.name.replace(f"{OF_A_SERVICE}.", "NAME.", 1)
        sentence = (sentinel_tasks.namespace[context.name].__doc__ or "").replace(f" {OF_A_SERVICE}", " NAME")
        verb = sentinel_tasks.namespace[context.name].verb
        yield f"\n### `{name}`\n\n{sentence}\n"
        if verb == "run":
            yield f"\n`inv {name if '.' in name else f'{name} NAME'} -- COMMAND`\n"
        if context.args:
            yield "\n| flag | default | means |\n|---|---|---|\n"
            yield from (_row(name, argument, verb) for name, argument in context.args.items())


def _row(name: str, argument: Argument, verb: str) -> str:
    value = "" if argument.kind is bool else f" {value_of(name)}".replace("|", "\\|")
    first = ", or as the first word" if argument.positional else ""
    return f"| `--{name}{value}`{first} | {default_of(name, verb)} | {argument.help or ''} |\n"
