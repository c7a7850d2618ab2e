import pytest

from sentinel_tasks.api.masking import masked, masked_text


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["mysql", "--password=hunter2", "-u", "bob"], ["mysql", "--password=***", "-u", "bob"]),
        (["app", "--api-key", "hunter2", "--port", "80"], ["app", "--api-key", "***", "--port", "80"]),
        (["app", "--token", "--verbose"], ["app", "--token", "--verbose"]),
        (["env", "DB_PASSWORD=hunter2", "run"], ["env", "DB_PASSWORD=***", "run"]),
        (
            ["sh", "-c", "SECRET_KEY='hunter2 x' run --auth-token hunter2"],
            ["sh", "-c", "SECRET_KEY=*** run --auth-token ***"],
        ),
        (["psql", "postgres://bob:hunter2@db/app"], ["psql", "postgres://***@db/app"]),
        (["curl", "-H", "Authorization: Bearer hunter2hunter2"], ["curl", "-H", "Authorization: *** ***"]),
        (["curl", "http://x/?access_token=hunter2&page=2"], ["curl", "http://x/?access_token=***&page=2"]),
        (["run", "ghp_" + "a" * 36], ["run", "***"]),
        (["python", "-m", "http.server", "8000"], ["python", "-m", "http.server", "8000"]),
        (["node", "--max-old-space-size=512", "server.js"], ["node", "--max-old-space-size=512", "server.js"]),
    ],
)
def test_secrets_are_masked_and_nothing_else(command: list[str], shown: list[str]) -> None:
    assert masked(command) == shown


def test_a_long_argument_is_cut_rather_than_searched_for_ever() -> None:
    assert len(masked_text("token-" * 1_000_000)) <= 5000
