"""A script of package.json: which dev server it runs, and the flags that tell that server its port. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

SERVERS = {
    "vite": ("--port $PORT --strictPort", r"(?!build$|optimize$).*"),
    "astro": ("--port $PORT", "dev|preview"),
    "ng": ("--port $PORT", "serve|s|dev"),
    "docusaurus": ("--port $PORT", "start"),
    "react-router": ("--port $PORT", "dev"),
    "remix": ("--port $PORT", "vite:dev"),
    "rsbuild": ("--port $PORT", "|dev|preview"),
    "rspack": ("--port $PORT", "serve|s|server|dev"),
    "wrangler": ("--port $PORT", "dev"),
    "vitepress": ("--port $PORT", r"(?!build$|init$).*"),
    "webpack": ("--port $PORT", "serve|s|server"),
    "webpack-dev-server": ("--port $PORT", ".*"),
}
"""Dev servers that do not read PORT and must be told: by which flags, and with which first word they serve."""

MANAGERS = ("npm", "pnpm", "yarn", "bun")
RUNNERS = {
    "npx": 0, "bunx": 0, "pnpx": 0, "env-cmd": 0, "cross-env": 0, "cross-env-shell": 0, "env": 0, "exec": 0, "time": 0,
    "nohup": 0, "npm exec --": 2, "npm x --": 2, "pnpm exec": 1, "pnpm dlx": 1, "yarn exec": 1, "yarn dlx": 1,
    "bun x": 1,
}  # fmt: skip
"""What runs the command that follows it, after flags and variables of its own; and how many words it has beyond one."""

WITH_VALUE = ("-p", "--package", "-u", "--unset", "-f", "--file", "-r", "--require", "--rc-file", "-e", "--import")
"""Flags of those, and of `node`, whose value is a word of its own."""

IN_A_WORD = ("-c", "--call", "-S", "--split-string")

UP_TO_DASHES = ("dotenv", "dotenvx", "doppler", "infisical", "op", "env-cmd")
"""What runs the command that follows `--`."""

ASSIGNMENT = r"[A-Za-z_][A-Za-z0-9_]*="
DEEPEST = 5


def port_flags(script: str, scripts: Mapping[str, str], depth: int = 0) -> str:
    """What to add to the script's command so that it listens on $PORT; empty if nothing is needed, or nothing helps."""
    words = _last_command(script)
    while words and (shorter := _without_runner(words, scripts)) is not None:
        words = shorter
    if not words or _has_port(words):
        return ""
    program, *arguments = words
    if program in MANAGERS:
        return _flags_of_script(program, arguments, scripts, depth)
    flags, serving = SERVERS.get(_name(program), ("", ""))
    return flags if re.fullmatch(serving, _first(arguments)) else ""


def _last_command(script: str) -> list[str]:
    """The words of the command that flags at the script's end would reach; none if they would reach no plain one."""
    lexer = shlex.shlex(script, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        return []
    last = words[max((at + 1 for at, word in enumerate(words) if word in ("&&", "||", ";")), default=0) :]
    return [] if any(map(_hides_the_end, last)) else last


def _hides_the_end(word: str) -> bool:
    """True for a pipe, a group, a job in the background, a comment, or a command within a word."""
    is_operator = set(word) <= set("();<>|&") and not word.startswith((">", "<"))
    return is_operator or word.startswith("#") or "`" in word


def _without_runner(words: Sequence[str], scripts: Mapping[str, str]) -> list[str] | None:
    """What remains without a variable, or without a program that runs the rest; None if it begins with neither."""
    if re.match(ASSIGNMENT, words[0]):
        return [*words[1:]]
    if words[0] in UP_TO_DASHES and "--" in words:
        return [*words[words.index("--") + 1 :]]
    if words[0] == "node":
        run = _without_flags(words[1:])
        return run if run and "node_modules" in run[0] else None
    spoken = (" ".join(words[:count]) for count in (3, 2, 1))
    beyond = next((RUNNERS[each] for each in spoken if each in RUNNERS), None)
    if beyond is not None:
        return _without_flags(words[1 + beyond :])
    return _binary(words, scripts)


def _binary(words: Sequence[str], scripts: Mapping[str, str]) -> list[str] | None:
    """A program that the package manager runs by name, as `yarn vite` does where no script is called so."""
    rest = _without_flags(words[1:])
    rest = _without_flags(rest[1:]) if rest[:1] == ["run"] else rest
    is_binary = words[0] in ("pnpm", "yarn", "bun") and rest[:1] and rest[0] in SERVERS and rest[0] not in scripts
    return [*rest] if is_binary else None


def _without_flags(words: Sequence[str]) -> list[str]:
    """What follows the flags; nothing if one of them holds the command in a word."""
    while words and words[0].startswith("-"):
        if words[0] in IN_A_WORD:
            return []
        words = words[2 if words[0] in WITH_VALUE else 1 :]
    return [*words]


def _has_port(words: Sequence[str]) -> bool:
    return any(word in ("--port", "-p") or word.startswith("--port=") for word in words)


def _flags_of_script(manager: str, arguments: Sequence[str], scripts: Mapping[str, str], depth: int) -> str:
    """The flags of a script that this one runs (`npm run dev:vite`), in the same package."""
    names = arguments[1:] if arguments[:1] in (["run"], ["run-script"]) else arguments
    if len(names) != 1 or names[0] not in scripts or depth >= DEEPEST:
        return ""
    flags = port_flags(scripts[names[0]], scripts, depth + 1)
    return f"-- {flags}" if flags and manager == "npm" else flags


def _name(program: str) -> str:
    """The program's name, also where it is called by its path: `node_modules/vite/bin/vite.js`."""
    return re.sub(r"\.(m|c)?js$", "", program.rpartition("/")[2])


def _first(arguments: Sequence[str]) -> str:
    """The word that says what the program is to do; empty if a flag stands there or nothing."""
    return next((word for word in arguments[:1] if not word.startswith("-")), "")
