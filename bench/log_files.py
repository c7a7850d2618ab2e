"""Logs as services print them and the log pump writes them: rotated, with their times beside them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from sentinel_tasks.supervisor.capture import Log

FILES = 10
LONG_LINE = 120_000_000
EACH = 0.2
"""Seconds from one write of a service to the next, of some 4 KB."""
BEGIN = datetime(2026, 11, 25, 4).timestamp()
PATHS = ("/", "/login", "/api/users", "/api/orders", "/static/app.js", "/health", "/api/search", "/logout")
RARE = {
    "connection reset by peer": 555, "upstream timed out": 900, "no space left on device": 1100,
    "gave up after 5 tries": 700, "status x502 from shard": 2000,
}  # fmt: skip
"""What is printed once in so many writes."""
TRACEBACK = 'Traceback (most recent call last):\n  File "app.py", line 12, in handle\nValueError: bad request'


def text_line(number: random.Random) -> str:
    """A request, as a web server tells it."""
    level = number.choices(("INFO ", "DEBUG", "WARN "), (90, 9, 1))[0]
    path, size, spent = number.choice(PATHS), number.randrange(90_000), number.randrange(900)
    return f"{level} [worker-{number.randrange(8)}] GET {path}/{number.randrange(10**5)} 200 {size} bytes in {spent} ms"


def coloured_line(number: random.Random) -> str:
    """The same with its level in a colour."""
    line = text_line(number)
    return f"\x1b[32m{line[:5]}\x1b[0m{line[5:]}"


def json_line(number: random.Random) -> str:
    """The same as an object."""
    level, path = number.choices((30, 20, 40), (90, 9, 1))[0], number.choice(PATHS)
    return (
        f'"level":{level},"msg":"request done"'
        f',"req":{{"method":"GET","path":"{path}","id":"{number.randrange(10**9)}"}}'
        f',"user":"u-{number.randrange(10**4)}","status":200,"ms":{number.randrange(900)}}}'
    )


def written(stamp: str, lines: Sequence[str], is_json: bool) -> bytes:
    """What is written at once: each line behind its time."""
    before = f'{{"time":"{stamp}",' if is_json else f"{stamp} "
    return "".join(f"{before}{line}\n" for line in lines).encode()


def chunks(line: Callable[[random.Random], str], is_json: bool, size: int, clock: list[float]) -> Iterator[bytes]:
    """So many bytes of output; the clock goes on with them."""
    number = random.Random(1)
    usual = [line(number) for _ in range(20_000)]
    level, kinds = ('"level":50,"msg":"%s"}' if is_json else "ERROR %s"), RARE.items()
    many, done = 40 if not is_json else 28, 0
    while size > 0:
        lines, done = number.choices(usual, k=many), done + 1
        lines += [level % text for text, often in kinds if done % often == 0]
        lines += ['"level":30,"user":"u-rare-7"}'] if is_json and done % 5_000 == 0 else []
        lines += [r'"level":50,"msg":"failed\n  at x (\"app.js\")"}'] if is_json and done % 100 == 0 else []
        lines += [f"ERROR failed\n{TRACEBACK}"] if not is_json and done % 100 == 0 else []
        data = written(datetime.fromtimestamp(clock[0]).isoformat(timespec="milliseconds"), lines, is_json)
        yield data
        clock[0] += EACH
        size -= len(data)


def write_log(path: Path, line: Callable[[random.Random], str], is_json: bool, size: int) -> float:
    """Has the log pump's own code write a log of so many bytes in ten files; the time at which it ends."""
    clock = [BEGIN]
    with patch("sentinel_tasks.supervisor.capture.time.time", lambda: clock[0]):
        log = Log(str(path), size // FILES, FILES - 1)
        log.note("begin", "bench")
        for data in chunks(line, is_json, size * 99 // 100, clock):
            log.write(data)
    return clock[0]


def write_long(path: Path) -> None:
    """A log with one very long line between short ones."""
    log = Log(str(path), 10 * LONG_LINE, 1)
    log.note("begin", "bench")
    log.write(b"INFO begin\n" * 100)
    for _ in range(LONG_LINE // 60_000):
        log.write(b"INFO long " * 6_000)
    log.write(b"\n" + b"INFO end\n" * 80)
