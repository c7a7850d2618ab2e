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


def run(folder: Path, source: str, ci: str | None) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CI"))}
    environment |= {"PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"CI": ci} if ci else {})
    command = [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "-rs", str(folder)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("source", [IN_A_TEST, BY_A_MARK, WHOLE_MODULE])
def test_skip_fails_under_ci_and_tells_its_reason(tmp_path: Path, source: str) -> None:
    ended = run(tmp_path, source, ci="true")
    assert ended.returncode != 0
    assert "no such tool here, and a skip is a failure under CI=true" in ended.stdout


@pytest.mark.parametrize("ci", [None, "", "false"])
def test_skip_is_no_failure_elsewhere(tmp_path: Path, ci: str | None) -> None:
    ended = run(tmp_path, IN_A_TEST, ci)
    assert ended.returncode == 0
    assert "1 passed, 1 skipped" in ended.stdout


def test_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert run(tmp_path, EXPECTED_FAILURE, ci="true").returncode == 0
