"""Phones of extensions."""

from __future__ import annotations

from typing import Any

from ari_app.dialects.eq.errors import nonexistent, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed, paging
from ari_app.dialects.eq.routes.extensions import SORTS
from ari_app.dialects.eq.routes.sessions import extension_exists
from ari_app.dialects.eq.wire.common import ListQuery
from ari_app.dialects.eq.wire.phone import Phone, PhoneCommandBody, PhoneQuery
from ari_app.provisioning.keypress import KeyUnknown, PhoneRefused
from ari_app.provisioning.phones import Phone as Found
from ari_app.provisioning.vendors import KEYS


async def get(ask: Ask[PhoneQuery, None]) -> Phone:
    extension = ask.query.extension
    return Phone.of(extension, await _found(ask, extension))


async def listing(ask: Ask[ListQuery, None]) -> Listed:
    page = await ask.services.extensions.listing(ask.account, **paging(ask.query, SORTS))
    numbers = [row.settings.extension for row in page.rows]
    found = await ask.services.phones.find(numbers) if numbers else {}
    return Listed(rows=[Phone.of(number, found.get(number)) for number in numbers], total=page.total)


async def command(ask: Ask[None, PhoneCommandBody]) -> None:
    body = ask.body
    extension = body.extension or (body.phone.extension if body.phone else None)
    if extension is None:
        raise refused("phone", "blank", "phone or extension must be given")
    if body.key not in KEYS:
        raise refused("key", "invalid", "Not a key")
    phone = await _found(ask, extension)
    # Keys are pressed on what is registered, whatever address a client names.
    if phone.vendor is None or (body.phone and body.phone.ip_address not in (None, phone.address)):
        raise nonexistent("phone", "The phone")
    try:
        await ask.services.phones.press(phone, body.key)
    except KeyUnknown:
        raise refused("key", "invalid", "Key is not valid for phone") from None
    except PhoneRefused as error:
        raise refused("phone", "invalid", f"The phone did not do it: {error}") from None


async def _found(ask: Ask[Any, Any], extension: str) -> Found:
    if not await extension_exists(ask.services, ask.account, extension):
        raise nonexistent("extension", "Extension")
    found = (await ask.services.phones.find([extension])).get(extension)
    if found is None:
        raise nonexistent("phone", "The phone")
    return found


HANDLERS: dict[str, Handler] = {"phone": get, "x.phones": listing, "phone_command": command}
