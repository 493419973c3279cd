"""Where text messages to supervisors go."""

from __future__ import annotations

from ari_app.dialects.eq.routes.ask import Ask, Handler, entity, path_id
from ari_app.dialects.eq.wire.mobile import Mobile, MobileBody

_NOUN = "The supervisor"


async def get(ask: Ask[None, None]) -> Mobile:
    with entity("A supervisor", "id"):
        return Mobile(mobile_number=await ask.services.users.mobile(ask.account, path_id(ask, _NOUN)))


async def update(ask: Ask[None, MobileBody]) -> None:
    with entity("A supervisor", "id"):
        await ask.services.users.set_mobile(ask.account, path_id(ask, _NOUN), ask.body.data.mobile_number)


HANDLERS: dict[str, Handler] = {"x.mobile.get": get, "x.mobile.update": update}
