"""JSON as `json` reads and writes it, by the C code of `json`: what that loads besides is 1.1 MB of every launcher."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Encode = Callable[[object, int], tuple[str, ...]]
    Scan = Callable[[str, int], tuple[Any, int]]

BLANKS = " \t\n\r"


class Plainly:
    """How `json` reads where nobody wants it otherwise."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float


def refuse(value: object) -> Any:
    """TypeError for what JSON has nothing for."""
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner

    encode: Encode = make_encoder(None, refuse, encode_basestring_ascii, None, ": ", ", ", False, False, True)
    scan: Scan = make_scanner(Plainly)  # type: ignore[arg-type]
except (ImportError, AttributeError, TypeError):  # a Python that has it in another way
    from json import JSONDecoder, dumps

    encode = lambda value, indent: (dumps(value),)  # noqa: E731
    scan = JSONDecoder().raw_decode


def written(value: object) -> str:
    """The text of a value."""
    return "".join(encode(value, 0))


def read(data: bytes) -> Any:
    """The value of a text; ValueError if it has none."""
    text = data.decode().strip(BLANKS)
    try:
        value, end = scan(text, 0)
        if end == len(text):
            return value
    except (StopIteration, SystemError):
        pass  # where `json` is not loaded the C code can't make the error that it means
    from json import loads

    return loads(text)
