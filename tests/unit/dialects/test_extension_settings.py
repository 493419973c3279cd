"""No setting of an extension is only kept: each has a test which shows that it does what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ari_app.dialects.eq.wire.extension import ExtensionFields

TESTS = Path(__file__).parents[2]
ROUTING = "unit/calls/test_extension_routing.py"
OBJECTS = "unit/calls/test_extension_objects.py"
RULES = "unit/calls/test_rule_recording.py"
MAILBOXES = "unit/voicemail/test_mailboxes.py"

#: attribute -> file and function
SHOWN = {
    "extension": ("integration/test_extensions.py", "test_a_phone_registers_rings_and_is_gone"),
    "name": (OBJECTS, "test_context_and_name"),
    "cidMasquerade": (ROUTING, "test_who_is_called_and_what_is_shown"),
    "outboundCid": (ROUTING, "test_who_is_called_and_what_is_shown"),
    "emergencyCid": (ROUTING, "test_who_is_called_and_what_is_shown"),
    "callWaiting": (ROUTING, "test_call_waiting"),
    "recording.inboundExternal": (RULES, "test_the_four_kinds_of_call"),
    "recording.inboundInternal": (RULES, "test_the_later_rule_counts"),
    "recording.outboundExternal": (RULES, "test_the_four_kinds_of_call"),
    "recording.outboundInternal": (RULES, "test_the_four_kinds_of_call"),
    "recording.onDemand": ("unit/acd/test_recording_keys.py", "test_they_begin_and_end_a_recording"),
    "sip.secret": ("integration/test_extensions.py", "test_who_does_not_know_the_secret"),
    "sip.dtmfMode": (OBJECTS, "test_dtmf_mode"),
    "sip.context": (OBJECTS, "test_context_and_name"),
    "sip.nat": (OBJECTS, "test_nat"),
    "voicemail.context": (OBJECTS, "test_mailbox"),
    "voicemail.password": ("unit/calls/test_mailbox.py", "test_a_wrong_password_three_times"),
    "voicemail.emailAddress": (MAILBOXES, "test_a_message_comes_with_its_file"),
    "voicemail.pagerEmailAddress": (MAILBOXES, "test_a_message_comes_with_its_file"),
    "voicemail.options.attach": (MAILBOXES, "test_a_mail_with_the_message_that_is_then_deleted"),
    "voicemail.options.saycid": ("unit/calls/test_mailbox.py", "test_old_ones_and_the_caller"),
    "voicemail.options.envelope": ("unit/calls/test_mailbox.py", "test_messages_are_listened_to"),
    "voicemail.options.delete": (MAILBOXES, "test_a_mail_with_the_message_that_is_then_deleted"),
}


def attributes(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """The leaves, by the names that clients use."""
    for name, field in model.model_fields.items():
        shown = prefix + (field.alias or name)
        inner = _model_of(field)
        if inner is None:
            yield shown
        else:
            yield from attributes(inner, f"{shown}.")


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    return _find(field.annotation)


def _find(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_find(part) for part in getattr(annotation, "__args__", ()))
    return next((found for found in inner if found is not None), None)


def test_each_setting_has_a_test() -> None:
    assert set(attributes(ExtensionFields)) == set(SHOWN)


def test_these_tests_are_there() -> None:
    for file, test in SHOWN.values():
        text = (TESTS / file).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {test}\(", text, re.MULTILINE), f"{file} has no {test}"
