"""Alerts as text messages: through the HTTP interface of whatever gateway there is, as the settings describe it."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec

from ari_app.config import Settings
from ari_app.errors import NotFound
from ari_app.hooks.mail import compose
from ari_app.hooks.tell import NotTaken
from ari_app.ops.addresses import Guard
from ari_app.store.outbox import Message
from ari_app.store.users import Users

#: characters of a message: three of GSM 03.38's seven-bit alphabet joined (GSM 03.40: 153 each)
TEXT_MAX = 459
_FIELD = re.compile(r"\{(to|text|id)\}")


def filled(template: str, values: dict[str, str], encode: Callable[[str], str]) -> str:
    """A template with {to}, {text} and {id} filled in, each encoded; what is filled in is not looked at."""
    return _FIELD.sub(lambda found: encode(values[found[1]]), template)


def _in_json(value: str) -> str:
    """Between the quotes of a JSON string."""
    return json.dumps(value)[1:-1]


def _in_form(value: str) -> str:
    return quote(value, safe="")


class SmsGateway:
    """Sends messages of the kind alert.sms, whose target is the id of a supervisor, to the mobile number that he has
    when it is sent. If he is deleted by then, or has none, there is nobody to tell."""

    def __init__(
        self, settings: Settings, users: Users, guard: Guard, zone_of: Callable[[int], Awaitable[str]]
    ) -> None:
        """zone_of: an account's time zone."""
        self._settings = settings
        self._users = users
        self._guard = guard
        self._zone_of = zone_of
        self._http = guard.client()

    async def __call__(self, message: Message) -> None:
        """Raises NotTaken, Forbidden, TimeoutError, aiohttp.ClientError, StoreUnavailable."""
        user_id = int(message.target)
        try:
            user = await self._users.get(message.account, "supervisor", user_id)
        except NotFound:
            return
        number = await self._users.mobile(message.account, user_id)
        if user.deleted or not number:
            return
        text = await self._text(message, user.language or "en")
        await self._send({"to": number, "text": text, "id": message.id})

    async def _text(self, message: Message, language: str) -> str:
        values = msgspec.json.decode(message.body, type=dict[str, object])
        zone = ZoneInfo(await self._zone_of(message.account))
        mail = compose(values, language, zone)
        plain = mail.get_body(("plain",))
        lines = str(plain.get_content()).splitlines() if plain is not None else [str(mail["Subject"])]
        at = values["at"]
        when = f"{datetime.fromtimestamp(at, zone):%H:%M}" if isinstance(at, float | int) else ""
        return ", ".join([*(line for line in lines[:3] if line), when])[:TEXT_MAX]

    async def _send(self, values: dict[str, str]) -> None:
        settings = self._settings
        url = filled(settings.sms_url, values, _in_form)
        self._guard.check_url(url)
        headers = {"Idempotency-Key": values["id"]}
        if authorization := settings.sms_authorization.get_secret_value():
            headers["Authorization"] = authorization
        body = None
        if settings.sms_method == "POST":
            headers["Content-Type"] = settings.sms_content_type
            encode = _in_json if "json" in settings.sms_content_type else _in_form
            body = filled(settings.sms_body, values, encode).encode()
        request = self._http.session().request(
            settings.sms_method, url, data=body, headers=headers, allow_redirects=False
        )
        async with request as response:
            if not 200 <= response.status < 300:
                raise NotTaken(f"the gateway answered {response.status}")

    async def close(self) -> None:
        await self._http.close()
