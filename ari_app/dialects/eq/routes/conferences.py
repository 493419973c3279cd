"""Conferences: their numbers, who is in one, and who was."""

from __future__ import annotations

import re

from ari_app.calls.leg import LegGone
from ari_app.dialects.eq.errors import invalid, nonexistent, not_found, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed, entity
from ari_app.dialects.eq.wire.conference import (
    ActiveConference,
    Conference,
    ConferenceActionBody,
    ConferenceCreateBody,
    ConferenceStay,
    ConferenceStayQuery,
    ConferenceUpdateBody,
)
from ari_app.errors import CommandRefused, NotFound

_NOUN, _KEY = "A conference", "number"
_NUMBER = re.compile(r"[1-9][0-9]{0,19}\Z")


async def active(ask: Ask[None, None]) -> list[ActiveConference]:
    return [ActiveConference.of(view) for view in ask.services.centre.conferences.desk.views(ask.account)]


async def listing(ask: Ask[None, None]) -> list[Conference]:
    return [Conference.of(one) for one in await ask.services.conferences.of_account(ask.account)]


async def create(ask: Ask[None, ConferenceCreateBody]) -> str:
    store, data = ask.services.conferences, ask.body.data
    settings = data.to_settings(data.number, await store.hashed(data.pin), await store.hashed(data.admin_pin))
    async with ask.services.sign_ins.exclusive(ask.account):
        with entity(_NOUN, _KEY):
            await store.create(ask.account, settings)
        ask.services.centre.conferences.desk.put(ask.account, settings)
    return settings.number


async def get(ask: Ask[None, None]) -> Conference:
    with entity(_NOUN, _KEY):
        return Conference.of(await ask.services.conferences.get(ask.account, _number(ask.path[_KEY])))


async def update(ask: Ask[None, ConferenceUpdateBody]) -> None:
    store, data, number = ask.services.conferences, ask.body.data, _number(ask.path[_KEY])
    pin, admin_pin = await store.hashed(data.pin), await store.hashed(data.admin_pin)
    async with ask.services.sign_ins.exclusive(ask.account):
        with entity(_NOUN, _KEY):
            before = await store.get(ask.account, number)
            settings = data.to_settings(
                number,
                pin if "pin" in data.model_fields_set else before.pin,
                admin_pin if "admin_pin" in data.model_fields_set else before.admin_pin,
            )
            await store.update(ask.account, settings)
        ask.services.centre.conferences.desk.put(ask.account, settings)


async def delete(ask: Ask[None, None]) -> None:
    number = _number(ask.path[_KEY])
    async with ask.services.sign_ins.exclusive(ask.account):
        with entity(_NOUN, _KEY):
            await ask.services.conferences.delete(ask.account, number)
        ask.services.centre.conferences.desk.remove(ask.account, number)


def _number(text: str) -> str:
    if not _NUMBER.match(text):
        raise not_found(_KEY, "The conference")
    return text


async def act(ask: Ask[None, ConferenceActionBody]) -> None:
    body, account = ask.body, ask.account
    conferences = ask.services.centre.conferences
    if body.action == "invite" and body.destination is None:
        raise refused("destination", "blank", "destination must be given")
    if body.action in ("mute", "unmute", "kick") and body.channel is None:
        raise refused("channel", "blank", "channel must be given")
    channel, desk = body.channel or "", conferences.desk
    try:
        match body.action:
            case "invite":
                conferences.invite(account, body.conference, body.destination or "", admin=body.admin, muted=body.muted)
            case "mute" | "unmute":
                await desk.mute(account, body.conference, channel, body.action == "mute")
            case "kick":
                desk.kick(account, body.conference, channel)
            case "lock" | "unlock":
                desk.lock(account, body.conference, body.action == "lock")
            case "end":
                desk.end(account, body.conference)
    except (NotFound, LegGone) as error:
        if "number" in error.context:
            raise nonexistent("conference", "The conference") from None
        raise nonexistent("channel", "The member") from None
    except CommandRefused:
        raise invalid("destination", "Nobody can be called there") from None


async def stays(ask: Ask[ConferenceStayQuery, None]) -> Listed:
    query = ask.query
    page = await ask.services.conferences.stays(
        ask.account,
        number=query.conference,
        since=query.since,
        until=query.until,
        limit=query.limit,
        offset=query.offset,
    )
    return Listed(rows=[ConferenceStay.of(stay) for stay in page.rows], total=page.total)


HANDLERS: dict[str, Handler] = {
    "active_conferences": active,
    "x.conference.list": listing,
    "x.conference.create": create,
    "x.conference.get": get,
    "x.conference.update": update,
    "x.conference.delete": delete,
    "x.conference_action": act,
    "x.conference_stays": stays,
}
