"""Extensions as a whole: in the database, in what calls know, and in every Asterisk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ari_app.calls.directory import Directory
from ari_app.provisioning.provisioner import Provisioner
from ari_app.store.extensions import Extension, ExtensionData, Extensions
from ari_app.store.values import Page


async def _nobody(account: int, extension: str) -> None:
    pass


class ExtensionService:
    """What APIs ask. A change is kept first; an Asterisk that cannot be told now is told when it is back."""

    def __init__(self, store: Extensions, directory: Directory, provisioner: Provisioner) -> None:
        self.store = store
        self.directory = directory
        self.provisioner = provisioner
        #: what is read goes into the directory before something newer does
        self._reading = asyncio.Lock()
        #: told of an extension that is new, other than before, or gone
        self.on_changed: Callable[[int, str], Awaitable[None]] = _nobody

    async def load(self) -> None:
        """At the start: let calls know what there is."""
        async with self._reading:
            found = await self.store.wanted()
            self.directory.fill((one.account, one.settings) for one in found)
            for one in found:
                self.directory.put(one.account, one.settings, one.mailbox)

    async def reload(self) -> None:
        """Many have changed in the database, as by an import: let calls know, and bring it into Asterisk.

        Raises:
            StoreUnavailable
        """
        await self.load()
        self.provisioner.compare()

    async def create(self, account: int, data: ExtensionData) -> str:
        """Make one; its number. Raises Conflict (extension, name), StoreUnavailable."""
        number = await self.store.create(account, data)
        await self.changed(account, number)
        return number

    async def get(self, account: int, extension: str) -> Extension:
        """One. Raises NotFound, StoreUnavailable."""
        return await self.store.get(account, extension)

    async def update(self, account: int, extension: str, data: ExtensionData) -> None:
        """Change all of it but its number. Raises NotFound, Conflict (name), StoreUnavailable."""
        await self.store.update(account, extension, data)
        await self.changed(account, extension)

    async def delete(self, account: int, extension: str) -> None:
        """Remove one; its calls go on. Raises NotFound, StoreUnavailable."""
        await self.store.delete(account, extension)
        await self.changed(account, extension)

    async def listing(
        self, account: int, *, deleted: bool | None, search: str, order: str, descending: bool, limit: int, offset: int
    ) -> Page[Extension]:
        """A page of them. Raises StoreUnavailable."""
        return await self.store.listing(
            account, deleted=deleted, search=search, order=order, descending=descending, limit=limit, offset=offset
        )

    async def changed(self, account: int, extension: str) -> None:
        """Let calls and every Asterisk know what one is now."""
        async with self._reading:
            wanted = await self.store.wanted_one(extension)
            if wanted is None:
                self.directory.remove(extension)
            else:
                self.directory.put(wanted.account, wanted.settings, wanted.mailbox)
        await self.provisioner.apply(extension)
        await self.on_changed(account, extension)
