"""Pause codes."""

from __future__ import annotations

from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed, entity, living, paging, path_id
from ari_app.dialects.eq.wire.common import ListQuery, UpdateQuery
from ari_app.dialects.eq.wire.pause_code import PauseCode, PauseCodeBody

_NOUN = "A pause code"
#: attribute -> column
_SORTS = {"id": "id", "name": "name"}


async def listing(ask: Ask[ListQuery, None]) -> Listed:
    page = await ask.services.pause_codes.listing(ask.account, **paging(ask.query, _SORTS))
    return Listed(rows=[PauseCode.of(code) for code in page.rows], total=page.total)


async def create(ask: Ask[None, PauseCodeBody]) -> int:
    name = ask.body.data.name
    with entity(_NOUN, "id"):
        return await ask.services.pause_codes.create(ask.account, name)


async def get(ask: Ask[None, None]) -> PauseCode:
    with entity(_NOUN, "id"):
        return PauseCode.of(await ask.services.pause_codes.get(ask.account, path_id(ask, "The pause code")))


async def update(ask: Ask[UpdateQuery, PauseCodeBody]) -> None:
    code = path_id(ask, "The pause code")
    with entity(_NOUN, "id"):
        if ask.query.undelete:
            await ask.services.pause_codes.set_deleted(ask.account, code, False)
        else:
            await ask.services.pause_codes.update(ask.account, code, ask.body.data.name)


async def delete(ask: Ask[None, None]) -> None:
    code = path_id(ask, "The pause code")
    with entity(_NOUN, "id"):
        living(await ask.services.pause_codes.get(ask.account, code))
        await ask.services.pause_codes.set_deleted(ask.account, code, True)


HANDLERS: dict[str, Handler] = {
    "pause_code.list": listing,
    "pause_code.create": create,
    "pause_code.get": get,
    "pause_code.update": update,
    "pause_code.delete": delete,
}
