"""Settings: from the environment, checked once, with the variable named that is wrong and its value never told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ari_app.config import Settings, host_port, load
from ari_app.errors import ConfigError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_nothing_has_to_be_set() -> None:
    settings = load()
    assert settings.ari_url == "http://127.0.0.1:8088/ari"
    assert settings.ari_connect == "outbound"
    assert settings.database() == "sqlite+aiosqlite:///var/ari_app.sqlite"


def test_names_are_those_of_the_fields_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARI_NODE", "pbx-2")
    monkeypatch.setenv("DATA_DIR", "/srv/data")
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    monkeypatch.setenv("ARI_URL", "https://pbx.example:8089/ari/")
    settings = load()
    assert (settings.ari_node, settings.data_dir, settings.log_level) == ("pbx-2", Path("/srv/data"), "warning")
    assert settings.ari_url == "https://pbx.example:8089/ari"
    assert settings.database() == "sqlite+aiosqlite:////srv/data/ari_app.sqlite"
    assert load(ari_node="other").ari_node == "other"


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://u:p@h/d", "postgresql+asyncpg://u:p@h/d"),
        ("postgres://h/d", "postgresql+asyncpg://h/d"),
        ("sqlite:///x.db", "sqlite+aiosqlite:///x.db"),
        ("postgresql+asyncpg://h/d", "postgresql+asyncpg://h/d"),
    ],
)
def test_the_database_gets_its_driver(url: str, driver: str) -> None:
    assert load(database_url=url).database() == driver


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARI_URL", "pbx:8088/ari"),
        ("ARI_URL", "ftp://pbx/ari"),
        ("ARI_URL", "http:///ari"),
        ("ARI_CONNECT", "sideways"),
        ("ARI_NODE", "a/b"),
        ("ARI_NODE", ""),
        ("ARI_APP", "a,b"),
        ("DIAL_TEMPLATE", "PJSIP/1001"),
        ("TRUNK_TEMPLATE", "PJSIP/trunk"),
        ("TRUNK_TEMPLATE", "PJSIP/{extension}@trunk"),
        ("OUTSIDE_NUMBERS", "[0-9"),
        ("EMERGENCY_NUMBERS", "112|(911"),
        ("DIAL_TEMPLATE", "PJSIP/{number}"),
        ("DIAL_TEMPLATE", "PJSIP/{extension"),
        ("PHONE_LOGINS", "admin:secret"),
        ("PHONE_LOGINS", '{"acme": "admin:secret"}'),
        ("PHONE_LOGINS", '{"snom": "secret"}'),
        ("PHONE_LOGINS", '{"snom": 7}'),
        ("PHONE_LOGINS", '["snom"]'),
        ("PHONE_NETWORKS", "192.168.0.1/16"),
        ("PHONE_URL", "http://phone"),
        ("PHONE_URL", "http://{address}@evil"),
        ("PARKING_SPACES", "720-701"),
        ("PARKING_SPACES", "701"),
        ("PARKING_TIMEOUT", "0"),
        ("PARKING_TIMEOUT", "inf"),
        ("SESSION_TIMEOUT", "0"),
        ("SESSION_TIMEOUT", "inf"),
        ("SESSION_TIMEOUT", "soon"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_value_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name) as error:
        load()
    assert "\n" not in str(error.value)
    assert "Value error" not in str(error.value)


def test_every_wrong_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "s3cret")
    monkeypatch.setenv("ARI_CONNECT", "s3cret")
    with pytest.raises(ConfigError, match=r"ARI_CONNECT.*LOG_LEVEL") as error:
        load()
    assert "s3cret" not in str(error.value)


def test_secrets_are_not_shown() -> None:
    settings = load(ari_password="s3cret", ari_ws_password="s3cret")
    assert "s3cret" not in repr(settings)
    assert settings.ari_password.get_secret_value() == "s3cret"


def test_read_once_and_for_all() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().ari_node = "other"


@pytest.mark.parametrize(
    ("value", "parts"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("pbx.example:65535", ("pbx.example", 65535))],
)
def test_host_and_port(value: str, parts: tuple[str, int]) -> None:
    assert host_port(value, "X") == parts


@pytest.mark.parametrize("value", ["", "80", ":80", "host", "host:", "host:x", "host:-1", "host:65536", "host:²"])
def test_not_host_and_port(value: str) -> None:
    with pytest.raises(ConfigError, match="HTTP_LISTEN must be host:port"):
        host_port(value, "HTTP_LISTEN")
