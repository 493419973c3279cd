"""Opening hours of queues, calendars, and the account's time zone. What changes here is committed first and told to
the queues then."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from ari_app.dialects.eq.errors import nonexistent, not_found, refused
from ari_app.dialects.eq.routes.alerts import tell_alerts
from ari_app.dialects.eq.routes.ask import Ask, Handler, Services, path_extension
from ari_app.dialects.eq.wire.hours import (
    Account,
    AccountBody,
    CalendarBody,
    CalendarEntry,
    HoursBody,
    QueueHours,
)
from ari_app.errors import Conflict, NotFound
from ari_app.store.hours import KeptHours

_CALENDAR = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}\Z")


async def get(ask: Ask[None, None]) -> QueueHours:
    extension = path_extension(ask)
    try:
        kept = await ask.services.hours.get(ask.account, extension)
    except NotFound:
        raise not_found("extension", "The call queue") from None
    return QueueHours.of(extension, kept, *ask.services.centre.opening.state(ask.account, extension))


async def update(ask: Ask[None, HoursBody]) -> None:
    await _set(ask, ask.body.data.to_kept())


async def delete(ask: Ask[None, None]) -> None:
    await _set(ask, None)


async def _set(ask: Ask[Any, Any], kept: KeptHours | None) -> None:
    services, account, extension = ask.services, ask.account, path_extension(ask)
    async with services.sign_ins.exclusive(account):
        try:
            await services.hours.set(account, extension, kept)
        except NotFound as error:
            if "calendar" in error.context:
                raise nonexistent("calendars", "A calendar") from None
            raise not_found("extension", "The call queue") from None
        await tell_hours(services, account)


async def calendars(ask: Ask[None, None]) -> list[CalendarEntry]:
    found = await ask.services.hours.calendars(ask.account)
    return [CalendarEntry.of(name, exceptions) for name, exceptions in found.items()]


async def get_calendar(ask: Ask[None, None]) -> CalendarEntry:
    name, found = _path_calendar(ask), await ask.services.hours.calendars(ask.account)
    if name not in found:
        raise not_found("name", "The calendar")
    return CalendarEntry.of(name, found[name])


async def update_calendar(ask: Ask[None, CalendarBody]) -> None:
    services, account, name = ask.services, ask.account, _path_calendar(ask)
    exceptions = [special.to_special() for special in ask.body.data.exceptions]
    async with services.sign_ins.exclusive(account):
        await services.hours.set_calendar(account, name, exceptions)
        await tell_hours(services, account)


async def delete_calendar(ask: Ask[None, None]) -> None:
    services, account, name = ask.services, ask.account, _path_calendar(ask)
    async with services.sign_ins.exclusive(account):
        try:
            await services.hours.delete_calendar(account, name)
        except NotFound:
            raise not_found("name", "The calendar") from None
        except Conflict as conflict:
            raise refused("name", "in_use", f"The calendar is used by the hours of {conflict}") from None


async def account(ask: Ask[None, None]) -> Account:
    found = await ask.services.accounts.get(ask.account)
    return Account(
        id=found.id,
        name=found.name,
        time_zone=found.time_zone,
        effective_time_zone=found.time_zone or ask.services.time_zone,
        recordings_days=found.recordings_days,
    )


async def update_account(ask: Ask[None, AccountBody]) -> None:
    services = ask.services
    async with services.sign_ins.exclusive(ask.account):
        await services.accounts.set_time_zone(ask.account, ask.body.data.time_zone)
        if "recordings_days" in ask.body.data.model_fields_set:
            await services.accounts.set_recordings_days(ask.account, ask.body.data.recordings_days)
        services.today.set_time_zone(ask.account, await time_zone(services, ask.account))
        await tell_hours(services, ask.account)
        await tell_alerts(services, ask.account)


async def time_zone(services: Services, account: int) -> str:
    """Whose clock goes where a request names none: IANA's name."""
    return (await services.accounts.get(account)).time_zone or services.time_zone


async def tell_hours(services: Services, account: int) -> None:
    """Tell the queues when they are open."""
    hours = await services.hours.of_account(account)
    for _ in services.centre.opening.configure_all(account, hours, await time_zone(services, account)):
        await asyncio.sleep(0)  # calls go on meanwhile


def _path_calendar(ask: Ask[Any, Any]) -> str:
    name = ask.path["name"]
    if not _CALENDAR.match(name):
        raise not_found("name", "The calendar")
    return name


HANDLERS: dict[str, Handler] = {
    "x.hours.get": get,
    "x.hours.update": update,
    "x.hours.delete": delete,
    "x.calendar.list": calendars,
    "x.calendar.get": get_calendar,
    "x.calendar.update": update_calendar,
    "x.calendar.delete": delete_calendar,
    "x.account.get": account,
    "x.account.update": update_account,
}
