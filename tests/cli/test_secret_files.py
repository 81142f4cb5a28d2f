"""Secrets in files, as containers get them."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import app
from cli.secret_files import SecretFileWrong, read_secret_files


def test_a_file_stands_in_for_the_variable_and_what_is_started_from_here_has_the_secret_itself(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(" a secret, 100 %\r\n")
    environment = {"NEQ_TOKEN_FILE": str(tmp_path / "token"), "PGPASSWORD": "other", "PGPASSWORD_FILE": ""}
    read_secret_files(environment)
    assert environment == {"NEQ_TOKEN": " a secret, 100 %", "PGPASSWORD": "other", "PGPASSWORD_FILE": ""}
    read_secret_files(environment)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "NEQ_TOKEN_FILE: {} cannot be read: No such file or directory"),
        (b"", "NEQ_TOKEN_FILE: {} has to hold one line, the secret"),
        (b"one\ntwo\n", "NEQ_TOKEN_FILE: {} has to hold one line, the secret"),
        (b"\xff\xfe", "NEQ_TOKEN_FILE: {} cannot be read: it is not text"),
    ],
)
def test_a_file_that_will_not_do_is_named(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SecretFileWrong) as caught:
        read_secret_files({"NEQ_TOKEN_FILE": str(path)})
    assert str(caught.value) == said.format(path)


def test_one_that_is_given_twice_is_refused_by_every_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEQ_TOKEN", "a-token-of-mine")
    monkeypatch.setenv("NEQ_TOKEN_FILE", str(tmp_path))
    result = CliRunner().invoke(app, ["runs"])
    assert result.exit_code == 2 and "neq: NEQ_TOKEN and NEQ_TOKEN_FILE are both set: drop one" in result.output
