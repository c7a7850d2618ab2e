"""The rule of ``tests/skips.py``, seen from outside: a whole pytest run with and without ``CI=true``."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

IN_A_TEST = """
import pytest

def test_skipped():
    pytest.skip("no such tool here")

def test_passed():
    pass
"""

BY_A_MARK = """
import pytest

@pytest.mark.skipif(True, reason="no such tool here")
def test_skipped():
    pass
"""

WHOLE_MODULE = """
import pytest

pytest.skip("no such tool here", allow_module_level=True)
"""

EXPECTED_FAILURE = """
import pytest

@pytest.mark.xfail(reason="known")
def test_known():
    raise AssertionError
"""


def run(folder: Path, *sources: str, ci: str | None) -> subprocess.CompletedProcess[str]:
    """Of a folder with a module of each source."""
    for number, source in enumerate(sources):
        (folder / f"test_{number}.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI"))}
    environment |= {"PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"CI": ci} if ci else {})
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.skips",
        "-p",
        "no:cacheprovider",
        "--continue-on-collection-errors",
        "-rs",
        str(folder),
    ]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_skip_fails_under_ci_and_tells_its_reason(tmp_path: Path) -> None:
    """But an expected failure is no skip."""
    ended = run(tmp_path, IN_A_TEST, BY_A_MARK, WHOLE_MODULE, EXPECTED_FAILURE, ci="true")
    assert ended.returncode != 0
    reason = ": Skipped: no such tool here, and a skip is a failure under CI=true"
    for part in ("test_0.py::test_skipped", "test_1.py::test_skipped", "test_2.py"):
        assert f"{part}{reason}" in ended.stdout
    assert "1 failed, 1 passed, 1 xfailed, 2 errors" in ended.stdout


@pytest.mark.parametrize("ci", [None, "false"])
def test_skip_is_no_failure_elsewhere(tmp_path: Path, ci: str | None) -> None:
    ended = run(tmp_path, IN_A_TEST, ci=ci)
    assert ended.returncode == 0
    assert "1 passed, 1 skipped" in ended.stdout
