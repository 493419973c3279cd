"""Alerts as mails, in the language of whom they are for. Hebrew is written from right to left: the HTML says so."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import aiosmtplib
import jinja2
import msgspec

from ari_app.config import Settings
from ari_app.errors import ConfigError, NotFound
from ari_app.store.outbox import Message
from ari_app.store.users import Users

#: seconds for each step of the conversation with the mail server
STEP_TIMEOUT = 8.0

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("ari_app.hooks"),
    autoescape=jinja2.select_autoescape(["html"]),
    undefined=jinja2.StrictUndefined,
)


class Mailer:
    """Sends messages of the kind alert.email, whose target is the id of a supervisor. His address and language are
    those that he has when it is sent; if he is deleted by then, or has no address, there is nobody to tell."""

    def __init__(
        self,
        settings: Settings,
        users: Users,
        zone_of: Callable[[int], Awaitable[str]],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """zone_of: an account's time zone. tls: as of `Post`. Raises ConfigError."""
        self._post = Post(settings, tls)
        self._users = users
        self._zone_of = zone_of

    async def __call__(self, message: Message) -> None:
        """Raises aiosmtplib.SMTPException, OSError, StoreUnavailable."""
        try:
            user = await self._users.get(message.account, "supervisor", int(message.target))
        except NotFound:
            return
        if user.deleted or not user.email:
            return
        values = msgspec.json.decode(message.body, type=dict[str, object])
        zone = ZoneInfo(await self._zone_of(message.account))
        mail = compose(values, user.language or "en", zone)
        await self._post.send(mail, user.email, message.id)


class Post:
    """The way to the mail server."""

    def __init__(self, settings: Settings, tls: ssl.SSLContext | None = None) -> None:
        """tls: None: the machine's certificates.

        Raises:
            ConfigError: the password would go over the network as it is.
        """
        if settings.smtp_user and settings.smtp_security == "none":
            raise ConfigError("SMTP_SECURITY=none would send SMTP_PASSWORD in the clear: use starttls or tls")
        self._settings = settings
        self._tls = tls

    async def send(self, mail: EmailMessage, to: str, id: str) -> None:
        """Hand a mail over to the mail server. id: the same in each attempt, so that it can leave out what it has had.

        Raises aiosmtplib.SMTPException, OSError.
        """
        mail["From"], mail["To"] = self._settings.mail_from, to
        mail["Message-ID"] = f"<{id}@{self._settings.mail_from.rpartition('@')[2]}>"
        security = self._settings.smtp_security
        await aiosmtplib.send(
            mail,
            hostname=self._settings.smtp_host,
            port=self._settings.smtp_port,
            username=self._settings.smtp_user or None,
            password=self._settings.smtp_password.get_secret_value() or None,
            use_tls=security == "tls",
            start_tls=security == "starttls",
            tls_context=self._tls,
            timeout=STEP_TIMEOUT,
        )


def compose(values: dict[str, object], language: str, zone: ZoneInfo) -> EmailMessage:
    """The mail about an alert (hooks/notify.py's document), without addresses."""
    at, figure = values["at"], values["figure"]
    if not isinstance(at, float | int):
        raise ValueError("an alert has a time")
    when = datetime.fromtimestamp(at, zone)
    shown = round(figure) if isinstance(figure, float | int) else 0
    return written("alert", {**values, "time": f"{when:%Y-%m-%d %H:%M:%S %Z}", "figure": shown}, language, when)


def written(template: str, values: dict[str, object], language: str, when: datetime) -> EmailMessage:
    """A mail from a template: its first line is the subject. Without addresses."""
    text = _TEMPLATES.get_template(f"{template}.{language}.txt").render(values)
    subject, *lines = [line for line in text.splitlines() if line.strip()]
    mail = EmailMessage()
    mail["Subject"] = subject
    mail["Date"] = format_datetime(when)
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = language
    mail.set_content("\n".join([subject, "", *lines, ""]))
    html = _TEMPLATES.get_template("mail.html").render(subject=subject, lines=lines, language=language)
    mail.add_alternative(html, subtype="html")
    return mail
