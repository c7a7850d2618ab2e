"""The doctor's opinions: what is a secret, what runs a command, what satisfies a requirement, what --fix says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from invoke.config import Config

from sentinel_tasks.doctor.examine import CHECKS, examine, exit_code
from sentinel_tasks.doctor.findings import failed, passed
from sentinel_tasks.doctor.look import Look
from sentinel_tasks.doctor.machine import satisfies
from sentinel_tasks.doctor.server import OPTION, RUNS, is_likely_secret, runs_a_command, variable_names
from sentinel_tasks.doctor.services import find, program
from sentinel_tasks.errors import SentinelError
from sentinel_tasks.model import Finding
from sentinel_tasks.report import Style
from sentinel_tasks.report.tables import findings_page
from sentinel_tasks.tasks import doctor_verb


@pytest.mark.parametrize(
    "name",
    ["API_TOKEN", "PASSWORD", "db_password", "AWS_SECRET_ACCESS_KEY", "STRIPE_API_KEY", "APIKEY", "GITHUB_PAT",
     "NPM_AUTH", "SSH_PRIVATE_KEY", "SENTRY_DSN", "MYSQL_PWD", "KEY_PASSPHRASE",
     "PGPASSWORD", "dbpassword", "authToken", "clientSecret", "AWS_ACCESS_KEY_ID", "PASSWORD2", "CREDS",
     "SESSION_JWT", "APIKEY_PROD"],
)  # fmt: skip
def test_a_secret_is_known_by_its_name(name: str) -> None:
    assert is_likely_secret(name)


@pytest.mark.parametrize(
    "name",
    ["PATH", "PWD", "OLDPWD", "SSH_AUTH_SOCK", "XAUTHORITY", "KEYBOARD", "TOKENIZERS_PARALLELISM", "PASSENGER",
     "GIT_AUTHOR_NAME", "BYPASS", "PATH_PREFIX"],
)  # fmt: skip
def test_what_is_no_secret_is_left_in_peace(name: str) -> None:
    assert not is_likely_secret(name)


def test_names_are_read_and_no_line_of_a_value_is_taken_for_one() -> None:
    pem = 'PEM="first\nINNER_TOKEN=\\"x\\"; export INNER_TOKEN;\nlast"; export PEM;'
    said = f'A="1"; export A;\n{pem}\nunset GONE;\nB=""; export B;'
    assert variable_names(said) == ["A", "PEM", "B"]


def test_names_go_on_after_a_line_that_is_none() -> None:
    assert variable_names('?\nA="1"; export A;\n') == ["A"]
    assert variable_names("") == []


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ('status-right "#(uptime)"', True),
        ('status-left "a `id` b"', True),
        ('status-format[3] "###(id)"', True),
        ('window-status-current-format "#{?x,#(id),}"', True),
        ('window-status-format "##(not run)"', False),
        ('status-right "#{pane_title} %H:%M"', False),
    ],
)
def test_a_command_in_a_status_line_is_seen(line: str, runs: bool) -> None:
    found = OPTION.match(line)
    assert found
    assert bool(RUNS.search(found[2])) is runs


def test_a_command_is_seen_through_the_options_that_a_format_expands() -> None:
    own = {"@a": "#{E:@b}", "@b": "#{T:@a}", "@c": "#(id)", "@d": "#{E:@c}"}
    assert runs_a_command("x #{E:@d}", own)
    assert not runs_a_command("#{@c}", own)
    assert not runs_a_command("#{E:@a} #{E:@gone}", own)


@pytest.mark.parametrize("line", ['status-right-style "#(x)"', 'default-command "`id`"', 'window-status-style "#(x)"'])
def test_other_options_are_not_ours_to_judge(line: str) -> None:
    assert OPTION.match(line) is None


@pytest.mark.parametrize(
    ("version", "wanted", "is_enough"),
    [("2.2.0", ">=2.2", True), ("2.1.3", ">=2.2", False), ("0.62.0", ">=0.55,<1", True), ("1.0rc1", ">=0.55,<1", False),
     ("2.10", ">=2.9", True), ("3", ">=3.0.1", False), ("1", "", True)],
)  # fmt: skip
def test_a_version_is_in_the_range_or_not(version: str, wanted: str, is_enough: bool) -> None:
    assert satisfies(version, wanted) is is_enough


@pytest.mark.parametrize(
    ("command", "first"),
    [
        (("bun", "run"), "bun"),
        ("bun run x", "bun"),
        ("PORT=1 exec ./serve --x", "./serve"),
        ("cd web && npm start", None),
        ("if true; then x; fi", None),
        ("$RUNNER start", None),
        ("(sleep 1; x)", None),
        ("unclosed 'quote", None),
        ("", None),
    ],
)
def test_the_program_of_a_command(command: str | tuple[str, ...], first: str | None) -> None:
    assert program(command) == first


def test_a_program_is_looked_for_where_the_service_will(tmp_path: Path) -> None:
    (tmp_path / "serve").touch(0o755)
    assert find("./serve", str(tmp_path), {"PATH": ""})
    assert find("serve", "/", {"PATH": str(tmp_path)})
    assert not find("serve", str(tmp_path), {"PATH": "/nowhere"})


# Examine


class Patient:
    """Something with one thing wrong that can be mended or not."""

    def __init__(self, mends: bool = True) -> None:
        self.sick, self.mends = True, mends

    def check(self, look: Look) -> list[Finding]:
        return [failed("x", "it is sick", "rest", mend=self.mend)] if self.sick else [passed("x", "fine")]

    def mend(self) -> None:
        if not self.mends:
            raise OSError(30, "Read-only file system")
        self.sick = False


def ran(check: Callable[[Look], list[Finding]], fix: bool) -> list[Finding]:
    return examine(lambda: cast(Look, None), fix, [check])


def test_without_fix_nothing_is_mended() -> None:
    patient = Patient()
    (finding,) = ran(patient.check, fix=False)
    assert (finding.ok, finding.fixed, patient.sick) == (False, False, True)


def test_what_was_mended_is_said_once_it_was_seen() -> None:
    (finding,) = ran(Patient().check, fix=True)
    assert (finding.ok, finding.fixed, finding.reason) == (True, True, "mended: it is sick")
    assert exit_code([finding], wrong_configuration=False) == 0


def test_what_could_not_be_mended_says_why() -> None:
    (finding,) = ran(Patient(mends=False).check, fix=True)
    assert (finding.ok, finding.fixed) == (False, False)
    assert "can't be mended" in finding.reason
    assert "Read-only file system" in finding.reason


def test_a_check_that_breaks_off_has_not_been_passed() -> None:
    def breaks(look: Look) -> list[Finding]:
        raise SentinelError("no answer", "ask again")

    (finding,) = ran(breaks, fix=True)
    assert (finding.name, finding.ok, finding.remedy) == ("breaks", False, "ask again")


def test_exit_codes() -> None:
    warning = failed("x", "y", "z", "warning")
    assert exit_code([passed("x", "y")], False) == 0
    assert exit_code([warning], False) == 1
    assert exit_code([failed("x", "y", "z", "info")], False) == 0
    assert exit_code([warning], True) == 2


def test_every_check_says_what_holds_when_it_does() -> None:
    for check in CHECKS:
        assert check.__doc__, check
        assert len(check.__doc__.splitlines()) == 1, check


def test_the_page_has_the_remedy_beside_what_fails() -> None:
    style = Style(emoji=False, colour=False)
    page = findings_page([passed("a", "good"), failed("bcd", "bad\x1b[2J\nnews", "do\nthis")], style)
    assert page.splitlines() == ["[ok] a    good", "[x] bcd  bad news", "   -- do this"]


# Keys that nothing reads


@pytest.fixture
def _reading_no_other_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that use Invoke may read any key that is in their text; here these would be the other tests."""
    monkeypatch.setattr(doctor_verb, "_texts", list)


def unread(**keys: object) -> list[tuple[str, str]]:
    config = Config()
    config._project = keys
    return doctor_verb.unread_keys(config) or []


@pytest.mark.usefixtures("_reading_no_other_test")
def test_a_key_that_nothing_reads_is_told_with_what_may_be_meant() -> None:
    assert unread(sentinle={}) == [("sentinle", "sentinel")]
    assert unread(history_limit=3) == [("history_limit", "sentinel.history_limit")]
    assert unread(run={"ehco": True, "echo": True}) == [("run.ehco", "echo")]


def test_a_key_that_is_read_is_not_told() -> None:
    assert unread(sentinel={}, run={"echo": True}, tasks={"dedupe": False}) == []
