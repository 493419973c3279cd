"""A real mail server for tests: it takes nothing from those who are not signed in over TLS."""

from __future__ import annotations

import contextlib
import email
import email.policy
import ssl
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.harness.net import free_port
from tests.harness.patience import PATIENCE

USER, PASSWORD = "me", "s3cret"  # of a loopback address that lives for one test


class MailServer:
    """Where it listens, and what it has taken."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.recipients += envelope.rcpt_tos
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 OK"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of the mail server, signed by itself, and its key."""
    made, key = folder / "cert.pem", folder / "key.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {made}"
    extension = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command.split(), *extension], check=True, capture_output=True)
    return made, key


@contextlib.contextmanager
def mail_server(files: tuple[Path, Path], *, at_once: bool = False) -> Iterator[MailServer]:
    """Serve in a thread. files: of the certificate and its key. at_once: TLS from the beginning, not by STARTTLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    server = MailServer()
    controller = Controller(
        server,
        hostname=server.host,
        port=server.port,
        authenticator=_authenticate,
        auth_required=True,
        auth_require_tls=not at_once,
        ssl_context=context if at_once else None,
        tls_context=None if at_once else context,
        require_starttls=not at_once,
        ready_timeout=PATIENCE,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)
