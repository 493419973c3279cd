"""Presses keys of phones, over their own HTTP interfaces."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from types import TracebackType

import aiohttp
import structlog
from yarl import URL

from ari_app.config import Settings, networks
from ari_app.errors import AppError
from ari_app.provisioning.vendors import VENDORS, Login, Press

log = structlog.get_logger(__name__)

#: seconds for a phone to do it
TIMEOUT = 5.0
#: bytes of an answer that are looked at
ANSWER_MAX = 65536


class KeyUnknown(AppError):
    """The maker's phones do not have this key."""

    slug = "key_unknown"


class PhoneRefused(AppError):
    """The phone did not do it."""

    slug = "phone_refused"


class KeyPresser:
    """For the phones of all extensions. `async with`."""

    def __init__(
        self,
        logins: Mapping[str, Login],
        networks: Sequence[IPv4Network | IPv6Network],
        url: str = "http://{address}",
    ) -> None:
        """logins: by maker (vendors.VENDORS). networks: where phones are; nothing else is ever asked. url: scheme, and
        port if it is not the scheme's."""
        self._logins = logins
        self._networks = networks
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of(cls, settings: Settings) -> KeyPresser:
        """As an operator has set it."""
        given: dict[str, str] = json.loads(settings.phone_logins.get_secret_value() or "{}")
        logins = {vendor: Login(*login.split(":", 1)) for vendor, login in given.items()}
        return cls(logins, networks(settings.phone_networks), settings.phone_url)

    async def __aenter__(self) -> KeyPresser:
        # No cookies, no proxy of the environment: what a phone says is for that phone.
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def press(self, vendor: str, address: str, key: str) -> None:
        """Press a key once.

        Args:
            vendor: of VENDORS.
            address: of the phone, as it registered: an IP address.
            key: by our name (vendors.KEYS).

        Raises:
            KeyUnknown
            PhoneRefused: it is not in PHONE_NETWORKS, has no login in PHONE_LOGINS, does not answer, or refuses.
        """
        maker = VENDORS[vendor]
        theirs = maker.keys.get(key)
        if theirs is None:
            raise KeyUnknown(f"phones of {vendor} have no such key")
        if not self._is_phone(address):
            raise PhoneRefused("its address is not in PHONE_NETWORKS")
        login = self._logins.get(vendor)
        if login is None:
            raise PhoneRefused(f"PHONE_LOGINS has no login for {vendor}")
        request = maker.request(theirs, login)
        host = f"[{address}]" if ":" in address else address
        url = URL(self._url.format(address=host) + request.path, encoded=True)
        try:
            await self._ask(url, request, login)
        except (aiohttp.ClientError, TimeoutError) as error:
            # Not the error itself: a URL may hold a password.
            log.warning("= a phone does not answer", vendor=vendor, address=address, error=type(error).__name__)
            raise PhoneRefused("it does not answer") from None

    def _is_phone(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks if network.version == found.version)

    async def _ask(self, url: URL, press: Press, login: Login) -> None:
        status, challenge, body = await self._request(url, press)
        if status == 401:
            # Only then, and in the way it asks for: the password is not shown to whoever happens to be there.
            scheme = challenge.partition(" ")[0].lower()
            if scheme == "digest":
                digest = aiohttp.DigestAuthMiddleware(login.user, login.password)
                status, _, body = await self._request(url, press, middlewares=(digest,))
            elif scheme == "basic":
                status, _, body = await self._request(url, press, authorization=_basic(login))
        if status in (401, 403):
            raise PhoneRefused("it refuses the login, or this server")
        if status != 200:
            raise PhoneRefused(f"it answers with HTTP status {status}")
        if not press.done(body):
            raise PhoneRefused("it says that it did not do it")

    async def _request(
        self,
        url: URL,
        press: Press,
        *,
        authorization: str | None = None,
        middlewares: tuple[aiohttp.DigestAuthMiddleware, ...] = (),
    ) -> tuple[int, str, bytes]:
        """Status, challenge, and the beginning of the body."""
        assert self._session is not None, "not entered"
        headers = {"Content-Type": press.content_type} if press.content_type else {}
        if authorization is not None:
            headers["Authorization"] = authorization
        async with (
            asyncio.timeout(TIMEOUT),
            self._session.request(
                "GET" if press.body is None else "POST",
                url,
                data=press.body,
                headers=headers,
                middlewares=middlewares,
                allow_redirects=False,
            ) as reply,
        ):
            body = b""
            while len(body) < ANSWER_MAX and (more := await reply.content.read(ANSWER_MAX - len(body))):
                body += more
            return reply.status, reply.headers.get("WWW-Authenticate", ""), body


def _basic(login: Login) -> str:
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()
