"""Mails of alerts, through a real SMTP server with TLS and authentication."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiosmtplib
import msgspec
import pytest
from pydantic import SecretStr

from ari_app.acd.alerts import Kind
from ari_app.config import Settings
from ari_app.errors import ConfigError, NotFound
from ari_app.hooks.mail import Mailer, compose
from ari_app.store.outbox import Message
from ari_app.store.values import User
from tests.harness import smtp
from tests.harness.smtp import MailServer

#: the server cannot know that there is TLS already where there is from the beginning
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

NEWS = {
    "event": "alert.raised",
    "at": 1_700_000_000.0,
    "account": 1,
    "alert": 7,
    "user": 3,
    "name": "Sales <full>",
    "type": "callQueueCallsHigh",
    "callQueue": "500",
    "threshold": 10,
    "figure": 12.0,
}


class Users:
    """Of the store, what is asked for."""

    def __init__(self, language: str | None = None, **changes: Any) -> None:
        self.user = User(
            **{
                "id": 3,
                "account": 1,
                "kind": "supervisor",
                "username": "boss",
                "number": None,
                "first_name": "B",
                "last_name": None,
                "email": "boss@example.org",
                "language": language,
                "type": "full",
                "deleted": False,
                "created_at": 0.0,
                **changes,
            }
        )

    async def get(self, account: int, kind: str, id: int) -> User:
        if (account, kind, id) != (1, "supervisor", 3):
            raise NotFound("no such user")
        return self.user


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return smtp.certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["starttls", "tls"])
def served(request: pytest.FixtureRequest, certificate: tuple[Path, Path]) -> Iterator[tuple[Settings, MailServer]]:
    with smtp.mail_server(certificate, at_once=request.param == "tls") as box:
        settings = Settings(
            smtp_host=box.host,
            smtp_port=box.port,
            smtp_security=request.param,
            smtp_user=smtp.USER,
            smtp_password=SecretStr(smtp.PASSWORD),
            mail_from="pbx@example.org",
        )
        yield settings, box


async def _jerusalem(_account: int) -> str:
    return "Asia/Jerusalem"


def message(target: str = "3") -> Message:
    body = msgspec.json.encode(NEWS).decode()
    return Message(id="out-1", account=1, kind="alert.email", target=target, body=body, created_at=0.0, attempts=0)


def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


async def test_a_mail_arrives(served: tuple[Settings, MailServer], certificate: tuple[Path, Path]) -> None:
    settings, box = served
    await Mailer(settings, Users("he"), _jerusalem, trusting(certificate))(message())  # type: ignore[arg-type]
    (mail,) = box.mails
    assert box.recipients == ["boss@example.org"]
    assert (mail["From"], mail["To"], mail["Message-ID"]) == (
        "pbx@example.org",
        "boss@example.org",
        "<out-1@example.org>",
    )
    assert mail["Subject"] == "התראה: Sales <full>"
    html = mail.get_body(("html",))
    assert html is not None
    assert 'dir="rtl"' in html.get_content()
    assert "Sales &lt;full&gt;" in html.get_content()


async def test_a_wrong_password_and_a_certificate_of_nobody_are_failures(
    served: tuple[Settings, MailServer], certificate: tuple[Path, Path]
) -> None:
    settings, box = served
    wrong = settings.model_copy(update={"smtp_password": SecretStr("wrong")})
    with pytest.raises(aiosmtplib.SMTPAuthenticationError):
        await Mailer(wrong, Users(), _jerusalem, trusting(certificate))(message())  # type: ignore[arg-type]
    with pytest.raises((aiosmtplib.SMTPException, OSError)):
        await Mailer(settings, Users(), _jerusalem)(message())  # type: ignore[arg-type]
    assert box.mails == []


@pytest.mark.parametrize("users", [Users(deleted=True), Users(email=None)])
async def test_there_is_nobody_to_tell(served: tuple[Settings, MailServer], users: Users) -> None:
    settings, box = served
    await Mailer(settings, users, _jerusalem)(message())  # type: ignore[arg-type]
    await Mailer(settings, users, _jerusalem)(message("4"))  # type: ignore[arg-type]
    assert box.mails == []


def test_a_password_is_not_sent_in_the_clear() -> None:
    settings = Settings(smtp_host="x", smtp_security="none", smtp_user="me", mail_from="a@b.de")
    with pytest.raises(ConfigError):
        Mailer(settings, Users(), _jerusalem)  # type: ignore[arg-type]


KINDS = [kind.value for kind in Kind]


@pytest.mark.parametrize("language", ["en", "es", "he"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_in_every_language(kind: str, language: str) -> None:
    news = {**NEWS, "type": kind, "event": "alert.again"}
    mail = compose(news, language, ZoneInfo("Asia/Jerusalem"))
    text = mail.get_body(("plain",))
    assert text is not None
    lines = text.get_content().splitlines()
    assert "Sales <full>" in lines[0]
    assert "12" in lines[2]
    assert "10" in lines[2]
    assert lines[3].endswith(" 500")
    assert "2023-11-15 00:13:20 IST" in lines[4]
    assert len(lines) == 6
