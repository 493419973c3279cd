"""How the audit trail looks at an entity that no GET answers by one id: schedules, prompts, greetings; and at what SQL
does not have: attachments to live calls. What is looked at never holds a secret."""

from __future__ import annotations

from typing import Any

import msgspec

from ari_app.acd.hours import zone
from ari_app.dialects.eq.routes.ask import Ask
from ari_app.dialects.eq.routes.hours import time_zone
from ari_app.dialects.eq.wire.media import Attachment
from ari_app.dialects.eq.wire.prompt import Prompt
from ari_app.dialects.eq.wire.schedule import AgentSchedule, ScheduledActivity, instant
from ari_app.errors import NotFound
from ari_app.store.audit import Look
from ari_app.voicemail.greetings import name_of

#: what an attachment says of the moment
_OF_THE_MOMENT = ("callSide", "targetSide", "unread", "dropped", "events")


def at_schedules(ask: Ask[Any, Any]) -> Look:
    """Of the agents who are named, in the span that is set."""

    async def look(_id: str | None) -> object:
        data, services = ask.body.data, ask.services
        where = zone(data.time_zone or await time_zone(services, ask.account))
        since, until = instant(data.since, where), instant(data.until, where)
        found: list[AgentSchedule] = []
        for agent in dict.fromkeys(schedule.agent for schedule in data.schedules):
            activities = (await services.schedules.get(ask.account, since, until, agent)).get(agent, [])
            found.append(AgentSchedule(agent=agent, activities=[ScheduledActivity.of(one) for one in activities]))
        return msgspec.to_builtins(found)

    return look


def at_prompt(ask: Ask[Any, Any]) -> Look:
    """In the language that is meant; of the sound itself its checksum is kept."""

    async def look(name: str | None) -> object:
        language = ask.body.language if ask.body is not None else ask.query.language
        try:
            found = await ask.services.prompts.prompts.get(ask.account, name or "", language)
        except NotFound:
            return None
        return msgspec.to_builtins(Prompt.of(found))

    return look


def at_greeting(ask: Ask[Any, Any]) -> Look:
    """Of the sound its length and checksum are kept."""

    async def look(_: str | None) -> object:
        name = name_of(ask.path["extension"], ask.path["kind"])
        try:
            found = await ask.services.prompts.prompts.get(ask.account, name, "")
        except NotFound:
            return None
        return msgspec.to_builtins(Prompt.of(found))

    return look


def at_attachment(ask: Ask[Any, Any]) -> Look:
    """As it was asked for, and what has become of it."""

    async def look(id: str | None) -> object:
        try:
            view = ask.services.media.view(ask.account, id or "")
        except NotFound:
            return None
        found = msgspec.to_builtins(Attachment.of(view))
        return {name: value for name, value in found.items() if name not in _OF_THE_MOMENT}

    return look


#: by the name of their endpoints
SPECIAL = {"x.schedules": at_schedules, "x.prompt": at_prompt, "x.greeting": at_greeting, "x.media": at_attachment}
#: SQL does not have them: they are looked at when it is begun and when it is done
LIVE = frozenset({"x.media"})
