"""Extensions."""

from __future__ import annotations

from ari_app.dialects.eq.errors import invalid, refused
from ari_app.dialects.eq.routes.ask import Ask, Handler, Listed, entity, paging
from ari_app.dialects.eq.wire.common import ListQuery, UpdateQuery
from ari_app.dialects.eq.wire.extension import Extension, ExtensionBody
from ari_app.store.extensions import Extension as Stored

_NOUN = "An extension"
#: attribute -> column
SORTS = {"extension": "extension", "name": "name"}


async def listing(ask: Ask[ListQuery, None]) -> Listed:
    page = await ask.services.extensions.listing(ask.account, **paging(ask.query, SORTS))
    return Listed(rows=[Extension.of(found) for found in page.rows], total=page.total)


async def create(ask: Ask[None, ExtensionBody]) -> str:
    data = ask.body.data.to_data()
    with entity(_NOUN, "extension"):
        return await ask.services.extensions.create(ask.account, data)


async def get(ask: Ask[None, None]) -> Extension:
    return Extension.of(await _found(ask))


async def update(ask: Ask[UpdateQuery, ExtensionBody]) -> None:
    number = (await _found(ask)).settings.extension
    if ask.query.undelete:
        raise invalid("undelete", "What is deleted of extensions is gone")
    data = ask.body.data.to_data()
    if data.settings.extension != number:
        raise refused("extension", "invalid", "The extension cannot be changed")
    with entity(_NOUN, "extension"):
        await ask.services.extensions.update(ask.account, number, data)


async def delete(ask: Ask[None, None]) -> None:
    with entity(_NOUN, "extension"):
        await ask.services.extensions.delete(ask.account, ask.path["extension"])


async def _found(ask: Ask[UpdateQuery, ExtensionBody] | Ask[None, None]) -> Stored:
    with entity(_NOUN, "extension"):
        return await ask.services.extensions.get(ask.account, ask.path["extension"])


HANDLERS: dict[str, Handler] = {
    "extension.list": listing,
    "extension.create": create,
    "extension.get": get,
    "extension.update": update,
    "extension.delete": delete,
}
