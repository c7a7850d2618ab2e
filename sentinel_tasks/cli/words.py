"""Command lines that can be answered without Invoke. Pure.

What is not understood here is no error: Invoke's parser is asked then, and knows what to say.
"""

from __future__ import annotations

from ..lineage.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Given = str | bool | list[str]

LOG_FLAGS: Mapping[str, str] = {
    "--lines": "lines", "-n": "lines", "--since": "since", "--until": "until", "--grep": "grep", "--level": "level",
    "--cursor": "cursor", "--field": "field",
}  # fmt: skip
LOG_SWITCHES: Mapping[str, str] = {
    "--all": "everywhere", "--follow": "follow", "-f": "follow", "--timestamps": "timestamps", "--invert": "invert",
    "-v": "invert", "--stats": "stats",
}  # fmt: skip
REPEATED = frozenset({"field"})


class Verb(Value):
    """How many services it may be asked about, and its flags: those with a value, and those without one."""

    __slots__ = ("fewest", "flags", "most", "switches")

    def __init__(
        self, fewest: int, most: int, flags: Mapping[str, str] | None = None, switches: Mapping[str, str] | None = None
    ) -> None:
        self.fewest, self.most, self.flags, self.switches = fewest, most, flags or {}, switches or {}


VERBS: Mapping[str, Verb] = {
    "status": Verb(0, 1),
    "ps": Verb(0, 0, {}, {"--all": "everywhere"}),
    "logs": Verb(0, 99, {"--only": "only", **LOG_FLAGS}, LOG_SWITCHES),
    "wait": Verb(0, 99, {"--only": "only", "--for": "goal", "--timeout": "timeout", "-t": "timeout"}),
    "url": Verb(1, 1),
    "env-names": Verb(1, 1),
}
JSON = "--json"


class Call(Value):
    """What was asked: a verb, of which services (none is all), as words or as one document, with these flags."""

    __slots__ = ("as_json", "flags", "names", "verb")

    def __init__(self, verb: str, names: tuple[str, ...], as_json: bool, flags: Mapping[str, Given]) -> None:
        self.verb, self.names, self.as_json, self.flags = verb, names, as_json, flags


def parsed(words: Sequence[str]) -> Call | None:
    """The call that these words are; None if they are none, or one for Invoke."""
    verb = VERBS.get(words[0]) if words else None
    if verb is None:
        return None
    flags: dict[str, Given] = {}
    names, rest = list[str](), iter(words[1:])
    for word in rest:
        if not word.startswith("-"):
            names.append(word)
        elif not _take_flag(word, rest, verb, flags):
            return None
    as_json, only = bool(flags.pop(JSON, False)), flags.pop("only", "")
    names += [name.strip() for name in str(only).split(",")] if only else []
    call = Call(words[0], tuple(dict.fromkeys(names)), as_json, flags)
    return call if verb.fewest <= len(call.names) <= verb.most else None


def _take_flag(word: str, rest: Iterator[str], verb: Verb, flags: dict[str, Given]) -> bool:
    """True once the flag is among the others, with the word after it if it needs one."""
    name, _, given = word.partition("=")
    if word == JSON or word in verb.switches:
        flags[JSON if word == JSON else verb.switches[word]] = True
        return True
    value = given if "=" in word else next(rest, None)
    if name not in verb.flags or value is None:
        return False
    key = verb.flags[name]
    before = flags.get(key)
    flags[key] = [*(before if isinstance(before, list) else []), value] if key in REPEATED else value
    return True
