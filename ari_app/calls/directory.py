"""Extensions as calls need to know them: in memory, told by whoever keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

DtmfMode = Literal["rfc2833", "inband", "auto", "info", "shortinfo"]
Nat = Literal["yes", "no", "never", "route"]
RecordingRule = Literal["dontcare", "always", "never"]


class RecordingRules(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls of an extension are to be recorded; external: over the trunk."""

    inbound_external: RecordingRule = "dontcare"
    inbound_internal: RecordingRule = "dontcare"
    outbound_external: RecordingRule = "dontcare"
    outbound_internal: RecordingRule = "dontcare"
    #: whether it may be started and stopped by hand
    on_demand: bool = False


class ExtensionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """An extension, without its secret."""

    extension: str
    name: str
    #: shown on calls to other extensions in place of the extension
    cid_masquerade: str | None = None
    #: shown on calls over the trunk
    outbound_cid: str | None = None
    #: shown on calls to emergency numbers, in place of outbound_cid
    emergency_cid: str | None = None
    #: without it, who calls while there is another call hears busy
    call_waiting: bool = False
    recording: RecordingRules = RecordingRules()
    dtmf_mode: DtmfMode = "rfc2833"
    #: dialplan context in which it dials
    context: str = "from-internal"
    nat: Nat = "yes"


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """An extension's mailbox; options by the names of voicemail.conf, "yes" or "no"."""

    context: str = "default"
    email: str | None = None
    pager_email: str | None = None
    options: dict[str, str] | None = None

    def option(self, name: str) -> bool:
        """What is set, or as Asterisk's voicemail.conf has it where nothing is: attach and envelope are on."""
        said = (self.options or {}).get(name)
        return name in ("attach", "envelope") if said is None else said == "yes"


class Directory:
    """The extensions of all accounts. A number is one phone, whatever the account: Asterisk's endpoints have none."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, ExtensionSettings]] = {}
        self._mailboxes: dict[str, Mailbox] = {}

    def fill(self, rows: Iterable[tuple[int, ExtensionSettings]]) -> None:
        """All there are, in place of what was known: (account, extension). None has a mailbox yet."""
        self._found = {settings.extension: (account, settings) for account, settings in rows}
        self._mailboxes = {}

    def put(self, account: int, settings: ExtensionSettings, mailbox: Mailbox | None = None) -> None:
        """One is new, or has changed."""
        self._found[settings.extension] = (account, settings)
        if mailbox is None:
            self._mailboxes.pop(settings.extension, None)
        else:
            self._mailboxes[settings.extension] = mailbox

    def remove(self, extension: str) -> None:
        """One is no more."""
        self._found.pop(extension, None)
        self._mailboxes.pop(extension, None)

    def get(self, account: int, extension: str) -> ExtensionSettings | None:
        """An account's extension; None for one that is not in the directory, such as one of a file of Asterisk."""
        owner, settings = self._found.get(extension, (account, None))
        return settings if owner == account else None

    def mailbox(self, account: int, extension: str) -> Mailbox | None:
        """The mailbox of an account's extension; None: it has none."""
        return None if self.get(account, extension) is None else self._mailboxes.get(extension)

    def mailboxes(self) -> Iterator[tuple[int, str, Mailbox]]:
        """All there are: account, extension, mailbox."""
        for extension, mailbox in self._mailboxes.items():
            yield self._found[extension][0], extension, mailbox

    def is_anothers(self, account: int, extension: str) -> bool:
        """Whether the number is a phone of another account."""
        return self._found.get(extension, (account, None))[0] != account
