"""The command line: what it prints, where, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ari_app import __version__, cli
from ari_app.config import Settings
from ari_app.errors import ConfigError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))


def test_help_names_every_setting_and_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name in Settings.model_fields:
        assert name.upper() in text
    for command in ("serve", "migrate", "demo", "check", "keys", "openapi", "simulate", "import-freepbx", "cpa"):
        assert command in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize("arguments", [[], ["fly"], ["keys"], ["keys", "revoke", "x"], ["openapi", "morse"]])
def test_what_is_no_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: ari_app" in capsys.readouterr().err


def test_a_setting_that_cannot_be_used_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    assert cli.main(["migrate"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("ari_app: cannot use the setting LOG_LEVEL")
    assert printed.err.count("\n") == 1


def test_a_database_of_one_s_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Made, twice without harm; keys made, listed without their secret, revoked."""
    assert cli.main(["migrate"]) == cli.main(["migrate"]) == 0
    assert "up to date" in capsys.readouterr().out
    assert cli.main(["keys", "create", "wallboard"]) == 0
    key = capsys.readouterr().out.strip().splitlines()[-1]
    assert cli.main(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    assert "wallboard" in listed
    assert key not in listed
    assert cli.main(["keys", "create", "screen", "--scope", "read"]) == 0
    old = capsys.readouterr().out.strip()
    assert cli.main(["keys", "rotate", "2"]) == 0
    assert capsys.readouterr().out.strip() != old
    assert cli.main(["keys", "list"]) == 0
    assert " read " in capsys.readouterr().out
    assert cli.main(["keys", "revoke", "1"]) == 0
    assert capsys.readouterr().out.strip() == "revoked"
    assert cli.main(["keys", "revoke", "999"]) == 1
    assert capsys.readouterr().err.startswith("ari_app: ")


def test_check_names_problems(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["migrate"])
    capsys.readouterr()
    assert cli.main(["check"]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["error: asterisk: ARI_PASSWORD is not set", "1 problem(s)"]


def test_check_of_an_asterisk_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ARI_PASSWORD", "s3cret")
    monkeypatch.setenv("ARI_URL", "http://127.0.0.1:9/ari")
    assert cli.main(["check"]) == 1
    printed = capsys.readouterr().out
    assert "http://127.0.0.1:9/ari does not answer" in printed
    assert "database: " in printed
    assert "s3cret" not in printed


def test_openapi(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["openapi", "eq"]) == 0
    assert json.loads(capsys.readouterr().out)["openapi"].startswith("3.")


@pytest.mark.parametrize(
    ("outcome", "code"), [(None, 0), (ConfigError("ARI_LISTEN is taken"), 1), (KeyboardInterrupt(), 130)]
)
def test_serve(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: BaseException | None, code: int
) -> None:
    served: list[Any] = []

    async def serve(settings: Settings) -> None:
        served.append(settings)
        if outcome is not None:
            raise outcome

    monkeypatch.setattr("ari_app.serve.serve", serve)
    assert cli.main(["serve"]) == code
    assert len(served) == 1
    assert capsys.readouterr().err == ("ari_app: ARI_LISTEN is taken\n" if code == 1 else "")


def test_serve_without_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve"]) == 1
    assert capsys.readouterr().err.startswith("ari_app: ARI_PASSWORD is not set")
