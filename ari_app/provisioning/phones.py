"""The phones of extensions: what is registered, and pressing their keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from ari_app.provisioning.contacts import Contact
from ari_app.provisioning.keypress import KeyPresser
from ari_app.provisioning.vendors import vendor_of

#: extensions -> the contacts of those that have one. Raises AriError
ReadContacts = Callable[[Iterable[str]], Awaitable[Mapping[str, Contact]]]


class Phone(msgspec.Struct, frozen=True, kw_only=True):
    """A registered phone."""

    extension: str
    #: of vendors.VENDORS; None: what it calls itself is not known here
    vendor: str | None
    address: str
    user_agent: str


class PhoneService:
    """What APIs ask of phones."""

    def __init__(self, read: ReadContacts, presser: KeyPresser) -> None:
        self._read = read
        self._presser = presser

    async def find(self, extensions: Iterable[str]) -> dict[str, Phone]:
        """Those that are registered, by extension.

        Raises:
            AriError
        """
        return {
            extension: Phone(
                extension=extension,
                vendor=vendor_of(contact.user_agent),
                address=contact.address,
                user_agent=contact.user_agent,
            )
            for extension, contact in (await self._read(extensions)).items()
        }

    async def press(self, phone: Phone, key: str) -> None:
        """Press a key of a phone whose vendor is known. Raises KeyUnknown, PhoneRefused."""
        assert phone.vendor is not None
        await self._presser.press(phone.vendor, phone.address, key)
