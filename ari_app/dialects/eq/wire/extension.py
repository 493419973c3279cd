"""Extensions."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, Field, StrictStr

from ari_app.calls.directory import DtmfMode, ExtensionSettings, Mailbox, Nat, RecordingRule, RecordingRules
from ari_app.dialects.eq.wire import fields
from ari_app.dialects.eq.wire.fields import (
    Blankable,
    Boolean,
    Email,
    Given,
    IntegerAsDigits,
    JsonObject,
    Parameters,
    Printable,
    Wire,
    or_default,
)
from ari_app.store.extensions import Extension as Stored
from ari_app.store.extensions import ExtensionData

#: a caller id
_Digits = Annotated[StrictStr, Field(pattern=r"^[0-9]{1,20}$"), IntegerAsDigits]
_OptionalDigits = Annotated[_Digits | None, Blankable]
_Rule = Annotated[RecordingRule, or_default("dontcare")]
_Choice = Annotated[Literal["yes", "no"] | None, Blankable]
#: name of a context of Asterisk
_Context = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9_.-]{1,79}$")]


class Recording(Wire):
    """Which calls are recorded; external: over the trunk."""

    inbound_external: _Rule = "dontcare"
    inbound_internal: _Rule = "dontcare"
    outbound_external: _Rule = "dontcare"
    outbound_internal: _Rule = "dontcare"
    on_demand: Annotated[Boolean, or_default(False)] = False


class Sip(Wire):
    """How its phone speaks. The secret is never answered; on an update, null or blank: as before."""

    secret: Annotated[
        Annotated[StrictStr, Field(max_length=80), Printable] | None,
        Blankable,
        Field(json_schema_extra={"writeOnly": True}),
    ] = None
    dtmf_mode: Annotated[DtmfMode, or_default("rfc2833")] = "rfc2833"
    context: Annotated[_Context, or_default("from-internal")] = "from-internal"
    nat: Annotated[Nat, or_default("yes")] = "yes"


class VoicemailOptions(Wire):
    """null: as the system is set."""

    attach: _Choice = None
    saycid: _Choice = None
    envelope: _Choice = None
    delete: _Choice = None


class Voicemail(Wire):
    """A mailbox. The password is never answered; on an update, null or blank: as before."""

    context: Annotated[_Context, or_default("default")] = "default"
    password: Annotated[_OptionalDigits, Field(json_schema_extra={"writeOnly": True})] = None
    email_address: Annotated[Email | None, Blankable] = None
    pager_email_address: Annotated[Email | None, Blankable] = None
    options: Annotated[VoicemailOptions | None, Blankable] = None

    def to_mailbox(self) -> Mailbox:
        """As the store has it."""
        given = self.options.model_dump(exclude_none=True) if self.options else {}
        return Mailbox(
            context=self.context,
            email=self.email_address,
            pager_email=self.pager_email_address,
            options=given or None,
        )


def _shown(value: str) -> str:
    # Asterisk keeps one line of text; a name of spaces would be a blank display.
    return value.strip()


class ExtensionFields(Wire):
    """An extension."""

    extension: Annotated[fields.Extension, Given]
    name: Annotated[StrictStr, Field(min_length=1, max_length=50), Printable, AfterValidator(_shown), Given]
    cid_masquerade: Annotated[_OptionalDigits, Field(description="Shown to other extensions")] = None
    outbound_cid: Annotated[_OptionalDigits, Field(description="Shown outside")] = None
    emergency_cid: Annotated[_OptionalDigits, Field(description="Shown to those who are called for help")] = None
    call_waiting: Annotated[Boolean, or_default(False)] = False
    recording: Annotated[Recording, or_default(Recording())] = Recording()
    sip: Annotated[Sip, or_default(Sip())] = Sip()
    voicemail: Annotated[Voicemail | None, Blankable] = None

    def to_data(self) -> ExtensionData:
        """As the store has it."""
        settings = ExtensionSettings(
            extension=self.extension,
            name=self.name,
            cid_masquerade=self.cid_masquerade,
            outbound_cid=self.outbound_cid,
            emergency_cid=self.emergency_cid,
            call_waiting=self.call_waiting,
            recording=RecordingRules(**self.recording.model_dump()),
            dtmf_mode=self.sip.dtmf_mode,
            context=self.sip.context,
            nat=self.sip.nat,
        )
        voicemail = self.voicemail
        return ExtensionData(
            settings=settings,
            mailbox=None if voicemail is None else voicemail.to_mailbox(),
            secret=self.sip.secret,
            mailbox_password=None if voicemail is None else voicemail.password,
        )


class ExtensionBody(Parameters):
    """POST /extension, PUT /extension/{extension}"""

    data: Annotated[ExtensionFields, JsonObject, Given]


class _Out(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class RecordingOut(_Out, frozen=True, kw_only=True):
    """Which calls are recorded."""

    inbound_external: RecordingRule
    inbound_internal: RecordingRule
    outbound_external: RecordingRule
    outbound_internal: RecordingRule
    on_demand: bool


class SipOut(_Out, frozen=True, kw_only=True):
    """How its phone speaks."""

    #: always null
    secret: None = None
    dtmf_mode: DtmfMode
    context: str
    nat: Nat


class VoicemailOut(_Out, frozen=True, kw_only=True):
    """A mailbox."""

    context: str
    #: always null
    password: None = None
    email_address: str | None
    pager_email_address: str | None
    options: dict[str, str] | None


class Extension(_Out, frozen=True, kw_only=True):
    """An extension. What is secret is null."""

    extension: str
    name: str
    cid_masquerade: str | None
    outbound_cid: str | None
    emergency_cid: str | None
    call_waiting: bool
    recording: RecordingOut
    sip: SipOut
    voicemail: VoicemailOut | None

    @classmethod
    def of(cls, stored: Stored) -> Extension:
        settings, mailbox = stored.settings, stored.mailbox
        return cls(
            extension=settings.extension,
            name=settings.name,
            cid_masquerade=settings.cid_masquerade,
            outbound_cid=settings.outbound_cid,
            emergency_cid=settings.emergency_cid,
            call_waiting=settings.call_waiting,
            recording=RecordingOut(**msgspec.structs.asdict(settings.recording)),
            sip=SipOut(dtmf_mode=settings.dtmf_mode, context=settings.context, nat=settings.nat),
            voicemail=None
            if mailbox is None
            else VoicemailOut(
                context=mailbox.context,
                email_address=mailbox.email,
                pager_email_address=mailbox.pager_email,
                options=mailbox.options,
            ),
        )
