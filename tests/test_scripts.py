"""What `make up` and `make test` say and do where something of the operating system is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"
APT_GET = """
echo "$*" >>"$0.log"
case "$*" in
    *install*tmux) printf '#!/bin/sh\\necho tmux 3.3a\\n' >"${0%/*}/tmux" && /bin/chmod +x "${0%/*}/tmux" ;;
esac
"""


class Machine:
    """A ``PATH`` of its own: a shell and what one test puts beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ["dirname", "env", "sh"]:
            (folder / name).symlink_to(shutil.which(name) or name)

    def program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPTS / script), *arguments]
        return subprocess.run(command, env={"PATH": str(self.folder)}, capture_output=True, text=True, check=False)

    def asked_of_apt(self) -> str:
        log = self.folder / "apt-get.log"
        return log.read_text() if log.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("version", ["3.2", "3.3a", "next-3.5", "4.0", "10.1", "master", "openbsd-7.4"])
def test_tmux_that_is_new_enough(machine: Machine, version: str) -> None:
    machine.program("tmux", f"echo tmux {version}")
    ended = machine.run("need-tmux")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("version", ["1.8", "2.9a", "3.0", "3.1c", "next-3.1"])
def test_tmux_that_is_too_old(machine: Machine, version: str) -> None:
    machine.program("tmux", f"echo tmux {version}")
    ended = machine.run("need-tmux")
    assert ended.returncode == 1
    assert ended.stderr == f"tmux {version} is too old: sentinel-tasks needs tmux 3.2 or newer\n"


def test_root_installs_what_is_missing(machine: Machine) -> None:
    machine.program("id", "echo 0")
    machine.program("apt-get", APT_GET)
    ended = machine.run("need-tmux")
    assert ended.returncode == 0, ended.stderr
    assert machine.asked_of_apt() == "-qq update\n-qq -y --no-install-recommends install tmux\n"


def test_user_is_told_the_one_command(machine: Machine) -> None:
    machine.program("id", "echo 1000")
    machine.program("apt-get", APT_GET)
    machine.program("sudo", "exit 1")
    ended = machine.run("need-tmux")
    assert ended.returncode == 1
    assert ended.stderr == "tmux is missing. Install it with: sudo apt-get install tmux\n"
    assert machine.asked_of_apt() == ""


def test_user_whose_sudo_asks_for_no_password_installs(machine: Machine) -> None:
    machine.program("id", "echo 1000")
    machine.program("apt-get", APT_GET)
    machine.program("sudo", 'shift; exec "$@"')
    machine.program("true", "")
    ended = machine.run("need-tmux")
    assert ended.returncode == 0, ended.stderr
    assert "install tmux" in machine.asked_of_apt()


def test_installation_that_fails_is_said(machine: Machine) -> None:
    machine.program("id", "echo 0")
    machine.program("apt-get", "exit 100")
    ended = machine.run("need-tmux")
    assert ended.returncode == 1
    assert ended.stderr.endswith("tmux could not be installed with: apt-get install tmux\n")


def test_machine_without_a_known_package_manager(machine: Machine) -> None:
    ended = machine.run("need-tmux")
    assert ended.returncode == 1
    assert ended.stderr.startswith("tmux is missing, and there is no package manager here")


def test_other_package_managers_are_named_in_their_own_words(machine: Machine) -> None:
    machine.program("id", "echo 1000")
    machine.program("dnf", "exit 1")
    assert machine.run("need-tmux").stderr == "tmux is missing. Install it with: sudo dnf install tmux\n"
