"""The only room that knows private names of Invoke.

Three functions of Invoke are replaced, because a wrong or unusual configuration would end them in a traceback before
any task runs: those that read a configuration file, merge two of them, and cast variables. Two more tell
which tasks are listed and how they were called, and print their help. One copies all tasks' flags before each call, and
need not. Some attributes are read.
A release of Invoke may lack any of these names. Then the tasks work without it, and `inv doctor` reports the loss.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import invoke.config
from invoke.collection import Collection
from invoke.config import Config, DataProxy
from invoke.exceptions import CollectionNotFound, Exit
from invoke.loader import FilesystemLoader
from invoke.parser import Parser
from invoke.program import Program
from invoke.util import Lexicon  # type: ignore[attr-defined]

from ..errors import ConfigurationError, Problem
from . import yaml_file

VERSION = str(invoke.__version__)
SECTION, SCALE = "sentinel", "scale"
FLAGS = {"-c": "collection", "-r": "search-root", "-f": "config"}
"""Invoke's flags that decide which tasks there are, and what they are configured with."""

SUFFIXES = ("yaml", "yml", "json", "py")
"""The endings of Invoke's configuration files, in the order in which it looks for them."""

NO_MAPPING = "it is no mapping of keys to values"

LOSES_CHECK = "a configuration file that holds no mapping ends in a traceback"
LOSES_NAME = "the message about a configuration file that can't be read may not name the file"
LOSES_KEYS = "keys of the project's configuration that nothing reads are not looked for"
LOSSES: Mapping[str, str] = {
    "Config._load_file": "a configuration file that can't be read ends in a traceback",
    "Config._load_yaml": "YAML changes values such as 1.10, 0123 and no, and a key that is there twice is not reported",
    "merge_dicts": "a key of `sentinel` that has different types in two configuration files ends in a traceback",
    "Environment._crawl": "a variable INVOKE_SENTINEL_… of another type than the configured value ends in a traceback",
    "Program.parse_tasks": "commands in messages are not named as a tasks file that nests or renames them lists them, "
    "scale takes one word alone (web=3,worker=2), and shells complete neither workspaces nor the words of sentinel",
    "Program._make_parser": "each call takes some milliseconds more",
    "Program.print_task_help": "the help of a task does not say what its flags may be, nor its exit codes",
    "Config._project_prefix": "with Invoke's flag -c or -r another folder is taken for the workspace",
    "Config._runtime": f"variables override a file given with -f; {LOSES_KEYS}",
    "Config._project": LOSES_KEYS,
    "Config._collection": LOSES_KEYS,
    "Config._system": LOSES_CHECK,
    "Config._user": LOSES_CHECK,
    "Config._system_prefix": LOSES_NAME,
    "Config._user_prefix": LOSES_NAME,
    "Config._system_path": LOSES_NAME,
    "Config._user_path": LOSES_NAME,
    "Config._project_path": LOSES_NAME,
    "Config._runtime_path": LOSES_NAME,
}
"""Every private name, with what a user loses in a release of Invoke that lacks it."""


def losses(config: Config) -> list[tuple[str, str]]:
    """The names that the installed release of Invoke lacks, each with what is lost; [] if it has all of them."""
    owners = {"": invoke.config, "Config": config, "Environment": _environment_reader(), "Program": Program}
    split = {name: name.rpartition(".") for name in LOSSES}
    return [(name, LOSSES[name]) for name, (owner, _, last) in split.items() if not hasattr(owners[owner], last)]


def _environment_reader() -> object:
    """Invoke's class that reads variables; None if there is none of that name."""
    return getattr(invoke.config, "Environment", None)


# What is replaced

Refuse = Callable[[ConfigurationError], int]
"""Shows the error to the user; returns the exit code."""

problems_in_files: list[Problem] = []
"""What is wrong with the files that Invoke has read for this process; the tasks report it when they run."""

_wanting_names: list[Callable[[list[str]], None]] = []
_explaining_tasks: list[Callable[[Program, object, str], bool]] = []
_completing: list[Callable[[Program], None]] = []
_wanting_tasks: list[Callable[[list[object] | None], None]] = []

LISTS = frozenset({"-l", "--list", "-h", "--help"})
LOOKS_OR_ENDS = frozenset({"attach", "doctor", "down", "logs", "ps", "status", "stop"})
"""The tasks that serve what runs even where a configuration file can't be read."""


def serve_configuration(names_read: Callable[[list[str]], None]) -> None:
    """From now on this is told which services the configuration names, before Invoke looks which tasks there are."""
    _wanting_names[:] = [names_read]


def serve_arguments(tasks_named: Callable[[list[object] | None], None]) -> None:
    """From now on this is told which tasks the command line names, before Invoke asks every task for its flags.

    It is told None where the flags of any task may be wanted.
    """
    _wanting_tasks[:] = [tasks_named]


def serve_help(explain: Callable[[Program, object, str], bool]) -> None:
    """From now on this prints the help of a task, or returns False if it is not its own."""
    _explaining_tasks[:] = [explain]


def serve_completion(complete: Callable[[Program], None]) -> None:
    """From now on this is asked first what a shell may complete; it ends the program where it knows."""
    _completing[:] = [complete]


@cache
def take_over(refuse: Refuse) -> None:
    """From now on Invoke reads and merges configuration files and variables as the contract (Configuration) says."""
    _replace(Config, "_load_file", lambda original: _reading_files(original, refuse))
    for name in ("_load_yaml", "_load_yml"):
        _replace(Config, name, _reading_yaml)
    _replace(Config, "_load_json", _reading_json)
    _replace(invoke.config, "merge_dicts", _merging)
    _replace(_environment_reader(), "_crawl", _reading_variables)
    _replace(Program, "_make_parser", sharing_flags)
    _replace(Program, "parse_tasks", _remembering)
    _replace(Program, "print_task_help", _explaining)


def _replace(owner: object, name: str, made_of: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    if hasattr(owner, name):
        setattr(owner, name, made_of(getattr(owner, name)))


def _reading_files(original: Callable[..., None], refuse: Refuse) -> Callable[..., None]:
    """Reading as before, but a file that Invoke can't use is a configuration error: one line, and exit code 2."""

    def load_file(config: Config, prefix: str, absolute: bool = False, merge: bool = True) -> None:
        """As Invoke's own: the file of that kind into `config`, if there is one."""
        try:
            original(config, prefix, absolute, False)
            content = getattr(config, f"_{prefix}", None)
            if not isinstance(content, dict | None):
                raise ValueError(NO_MAPPING)
            if merge and content:
                config.merge()
        except Exception as reason:
            unreadable = _unreadable(_path(config, prefix), reason)
            words = sys.argv[1:]
            if _only_lists(words):
                refuse(unreadable)
            elif not only_looks_or_ends(words):
                raise Exit(code=refuse(unreadable)) from reason
            setattr(config, f"_{prefix}", {})
            setattr(config, f"_{prefix}_found", False)
            problems_in_files.extend(unreadable.problems)
            _tell_names(_services_named(words))
        else:
            _tell_names(_services_configured(config) if prefix == "project" else [])

    return load_file


def _tell_names(names: list[str]) -> None:
    for names_read in _wanting_names:
        names_read(names)


def _services_configured(config: Config) -> list[str]:
    section = config.get(SECTION)
    services = section.get("services") if isinstance(section, Mapping | DataProxy) else None
    return [str(name) for name in services] if isinstance(services, Mapping | DataProxy) else []


def _services_named(words: list[str]) -> list[str]:
    """The services of which this command line looks at or ends one, whatever the file says that can't be read."""
    parts = [word.split(".") for word in words if not word.startswith("-")]
    return [part[-2] for part in parts if len(part) > 1 and part[-1] in LOOKS_OR_ENDS]


def _only_lists(words: list[str]) -> bool:
    """True if this command line asks which tasks there are, or what one of them does."""
    return any(word in LISTS or word.startswith("--list=") for word in words)


def only_looks_or_ends(words: list[str]) -> bool:
    """True if this command line names no task, or one first that serves what runs, with or without a configuration."""
    tasks = [word for word in words if not word.startswith("-")]
    return not tasks or tasks[0].rpartition(".")[2] in LOOKS_OR_ENDS


def _reading_yaml(original: Callable[..., Any]) -> Callable[..., Any]:
    """Reading as before, but our section as it is written, doubled keys and YAML's surprises reported."""

    def load_yaml(config: Config, path: str) -> Any:
        content, problems = yaml_file.read(path, _takes_text)
        problems_in_files.extend(problems)
        return content

    return load_yaml


def _takes_text(path: tuple[str, ...]) -> bool:
    from ..config.schema import takes_text

    return takes_text(path)


def _reading_json(original: Callable[..., Any]) -> Callable[..., Any]:
    """Reading as before; a key that is there twice is reported."""

    def load_json(config: Config, path: str) -> Any:
        def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
            names = [name for name, _ in pairs]
            doubled = {name for name in names if names.count(name) > 1}
            reason = f"is there twice ({os.path.basename(path)})"
            problems_in_files.extend(Problem(name, "…", reason) for name in sorted(doubled))
            return dict(pairs)

        with open(path, encoding="utf-8-sig") as file:
            return json.load(file, object_pairs_hook=once)

    return load_json


def _unreadable(path: str, reason: Exception) -> ConfigurationError:
    return ConfigurationError(
        [Problem(os.path.basename(path), path, f"can't be read: {' '.join(str(reason).split())}")]
    )


def _path(config: Config, level: str) -> str:
    """The file that Invoke was reading, or where it looked for one."""
    given = getattr(config, f"_{level}_path", None)
    place = os.path.expanduser(f"{getattr(config, f'_{level}_prefix', None) or ''}{config.prefix}")
    candidates = (f"{place}.{suffix}" for suffix in SUFFIXES)
    return str(given) if given else next(filter(os.path.exists, candidates), place)


def _merging(original: Callable[..., Any]) -> Callable[..., Any]:
    """Merging as before, but in our section a later value may have another type than the one that it replaces."""

    def merge(base: dict[str, Any], updates: dict[str, Any]) -> Any:
        if updates and SECTION in updates:
            _make_way(base, {SECTION: updates[SECTION]})
        return original(base, updates)

    return merge


def _make_way(base: dict[str, Any], updates: dict[str, Any]) -> None:
    for key in base.keys() & updates.keys():
        are_mappings = isinstance(base[key], dict), isinstance(updates[key], dict)
        if all(are_mappings):
            _make_way(base[key], updates[key])
        elif any(are_mappings):
            del base[key]


def _reading_variables(original: Callable[..., Any]) -> Callable[..., Any]:
    """Casting as before, but not in our section: `config.load` reads its variables and knows what each may be."""

    def crawl(reader: object, key_path: list[str], env_vars: Mapping[str, Any]) -> Any:
        return {} if key_path == [SECTION] else original(reader, key_path, env_vars)

    return crawl


class SharedFlags(Lexicon):
    """All tasks' flags, by their names. Invoke copies those of a task that is named once more, and that will do."""

    def __deepcopy__(self, memo: object) -> "SharedFlags":
        return self


def sharing_flags(original: Callable[..., Parser]) -> Callable[..., Parser]:
    """Making a parser as before, but without the first of two copies of all flags, a twentieth of a short task."""

    def make_parser(*program: Program) -> Parser:
        parser = original(*program)
        object.__setattr__(parser.contexts, "__class__", SharedFlags)  # its own way to set an attribute adds a key
        return parser

    return make_parser


class Called(NamedTuple):
    """How this process was called: the tasks file's Collection, the tasks that were named, Invoke's flags for both."""

    collection: Collection
    tasks: list[str]
    flags: list[str]


_programs: list[Program] = []


def _remembering(original: Callable[..., Any]) -> Callable[..., Any]:
    """Parsing as before; which program did it is remembered, and `scale` may be followed by several words.

    Where a shell asks for a completion, whoever serves that is asked before Invoke.
    """

    def parse_tasks(program: Program) -> None:
        _programs[:] = [program]
        words, tasks = program.core.unparsed, program.collection
        if any(_is_scale(tasks, word) for word in words):
            words[:] = with_counts_as_one(words, tasks)
        for tasks_named in _wanting_tasks:
            tasks_named(_named(program))
        try:
            original(program)
        finally:
            for tasks_named in _wanting_tasks:
                tasks_named(None)
        for complete in _completing if program.args["complete"].value else ():
            complete(program)

    return parse_tasks


def _named(program: Program) -> list[object] | None:
    """The tasks that the command line names, or that of no name; None if help or a completion is wanted."""
    if any(program.args[flag].value for flag in ("help", "complete")):
        return None
    found: list[object] = []
    tasks = program.collection
    for word in program.core.unparsed or ([tasks.default] if tasks.default else []):
        with suppress(KeyError, ValueError):
            found.append(tasks[word])
    return found


def _is_scale(tasks: Collection, word: str) -> bool:
    """True for our own task of that verb, however a tasks file nests it."""
    try:
        return getattr(tasks[word], "verb", "") == SCALE
    except (KeyError, ValueError):
        return False


def with_counts_as_one(words: Sequence[str], tasks: Collection) -> list[str]:
    """The same words, but what `scale` is told as one, with commas: Invoke takes no list of words after a task."""
    found: list[str] = []
    names = tasks.task_names
    is_scale = is_open = False
    for word in words:
        is_count = is_scale and not word.startswith("-") and ("=" in word or is_open or _is_scale(tasks, found[-1]))
        is_task = word in names and not (is_count and not is_open)
        if is_task:
            is_scale, is_count = _is_scale(tasks, word), False
        if is_count and is_open:
            found[-1] += f",{word}"
        else:
            found.append(word)
        is_open = is_count
    return found


def _explaining(original: Callable[..., Any]) -> Callable[..., Any]:
    """Help as before, but that of a task of ours says more."""

    def print_task_help(program: Program, name: str) -> None:
        task = program.collection[name]
        if not any(explain(program, task, name) for explain in _explaining_tasks):
            original(program, name)

    return print_task_help


def called() -> Called | None:
    """What Invoke was called with; None if no program of Invoke's runs, or this release hides it."""
    if not _programs:
        return None
    program = _programs[-1]
    args = {flag: program.args.get(name) for flag, name in FLAGS.items()}
    flags = [word for flag, arg in args.items() if arg is not None and arg.value for word in (flag, str(arg.value))]
    return Called(program.collection, [context.name for context in program.tasks if context.name], flags)


# What is read


def project_folder(config: Config) -> str | None:
    """The folder of the tasks file, where Invoke looks for its configuration; None if there is no tasks file."""
    if not hasattr(config, "_project_prefix"):
        return folder_of_tasks_file(config)
    return None if config._project_prefix is None else str(config._project_prefix)


def folder_of_tasks_file(config: Config) -> str | None:
    """The folder in which Invoke finds a tasks file, without loading it; None if there is none."""
    try:
        found = FilesystemLoader(config=config).find(config.tasks.collection_name)
    except CollectionNotFound:
        return None
    if found is None or found.origin is None:
        return None
    folder = os.path.dirname(found.origin)
    return os.path.dirname(folder) if found.submodule_search_locations else folder


def file_of_flag(config: Config) -> Mapping[str, Any]:
    """The content of the file given with Invoke's flag `-f`; empty if there is none."""
    return getattr(config, "_runtime", None) or {}


def name_of_file(config: Config) -> str:
    """The name of the file that our section most likely comes from: that of the flag `-f`, else the project's."""
    level = "runtime" if SECTION in file_of_flag(config) else "project"
    path = getattr(config, f"_{level}_path", None)
    return os.path.basename(str(path)) if path else ""


def files_of_project(config: Config) -> Mapping[str, Any] | None:
    """The content of the project's file and of the one given with `-f`; None if this release of Invoke hides it."""
    if not (hasattr(config, "_project") and hasattr(config, "_runtime")):
        return None
    return {**(config._project or {}), **file_of_flag(config)}


def keys_of_collections(config: Config) -> set[str] | None:
    """The keys that Collections are configured with; None if this release of Invoke hides them."""
    return set(config._collection) if hasattr(config, "_collection") else None
