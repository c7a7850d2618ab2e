"""How msgspec is imported without what it does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import sys
{before}
from sentinel_tasks.verbs.boundary import import_msgspec
import_msgspec()
print(sorted({{"datetime", "platform", "typing_extensions"}} & sys.modules.keys()))
import datetime, platform, uuid
print(platform.python_version() == sys.version.split()[0], uuid.uuid4() != uuid.uuid4())
import msgspec
then = datetime.datetime(2026, 11, 26, tzinfo=datetime.timezone.utc)
told = msgspec.json.decode(msgspec.json.encode(then), type=datetime.datetime)
print(told == then, datetime.__file__.endswith("datetime.py"))
"""


@pytest.mark.parametrize(
    ("before", "found"), [("", "[]"), ("import platform", "['platform']"), ("import datetime", "['datetime']")]
)
def test_what_stands_in_for_a_module_is_gone_afterwards(before: str, found: str) -> None:
    command = [sys.executable, "-c", CODE.format(before=before)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [found, "True True", "True True"]


PARTS = """
import sys
from sentinel_tasks.verbs.boundary import import_msgspec
import_msgspec()
import msgspec
from msgspec import toml
print(sorted({"textwrap", "msgspec._json_schema", "msgspec.inspect"} & sys.modules.keys()), toml.__name__)
print(msgspec.json.decode(b"[1]"), msgspec.json.schema(int), msgspec.inspect.type_info(int))
try:
    msgspec.nothing
except AttributeError as error:
    print(error)
"""


def test_a_part_of_msgspec_is_there_for_whoever_asks_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", PARTS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "[] msgspec.toml",
        "[1] {'type': 'integer'} IntType(gt=None, ge=None, lt=None, le=None, multiple_of=None)",
        "module 'msgspec' has no attribute 'nothing'",
    ]
