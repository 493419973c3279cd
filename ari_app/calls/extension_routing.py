"""Calls that extensions make: to each other and over the trunk, as the settings of both say."""

from __future__ import annotations

import re
from collections.abc import Callable

from ari_app.calls.call import Call
from ari_app.calls.directory import Directory, ExtensionSettings
from ari_app.calls.leg import Leg
from ari_app.calls.program import Program
from ari_app.calls.programs import ExtensionCall, Unallocated, UserBusy
from ari_app.calls.registry import Registry
from ari_app.calls.rule_recording import is_recorded
from ari_app.calls.verbs.dial import DialOutcome, Party
from ari_app.calls.voicemail import LeaveMessage, Voicemail

#: seconds for which a phone rings
RING_TIME = 30.0
_DIALLED = re.compile(r"\+?[0-9]+\Z")


class ExtensionRouting:
    """Which number is dialled how, and who the called one sees."""

    def __init__(
        self,
        registry: Registry,
        directory: Directory,
        dial_template: str,
        trunk_template: str = "",
        outside: str = "",
        emergency: str = "",
        voicemail: Voicemail | None = None,
    ) -> None:
        """Templates: how an extension and how a number outside is dialled; without trunk_template there is no outside.
        outside: pattern of how a number outside begins; emergency: pattern of a whole number to call for help."""
        self._registry = registry
        self._directory = directory
        self._dial_template = dial_template
        self.voicemail = voicemail or Voicemail()
        self._trunk_template = trunk_template
        #: the number that opens the mailbox of the one who calls it, and, with an extension behind it, that one's;
        #: "": there is none
        self.mailbox_number = ""
        #: what serves somebody at a mailbox
        self.mailbox: Callable[[str], Program] = lambda extension: Unallocated()
        #: seconds for which a phone rings whose extension has a mailbox
        self.ring_time = RING_TIME
        self._outside = re.compile(outside)
        self._emergency = re.compile(f"(?:{emergency})\\Z") if emergency else None
        before, _, after = dial_template.partition("{extension}")
        # channels are named by the endpoint and a number of their own, in hexadecimal
        self._channel = re.compile(f"{re.escape(before)}(.+?){re.escape(after)}-[0-9a-f]+\\Z")
        self._dialled_endpoint = re.compile(f"{re.escape(before)}([^@]+?){re.escape(after)}\\Z")

    def endpoint(self, extension: str) -> str:
        """How an extension is dialled."""
        return self._dial_template.format(extension=extension)

    def reach(self, number: str) -> str:
        """How any number is dialled."""
        if self._is_outside(number):
            return self._trunk_template.format(number=number)
        return self.endpoint(number)

    def can_reach(self, account: int, number: str) -> bool:
        """Whether a number can be called for an account: one outside, or a phone that is not another's. Whether anybody
        is there is found out by calling."""
        if not _DIALLED.match(number):
            return False
        return self._is_outside(number) or (number.isdigit() and not self._directory.is_anothers(account, number))

    def route(self, call: Call, number: str) -> Program:
        """What serves a call of an extension to a number that is no queue's."""
        if (mailbox := self._mailbox_of(call, number)) is not None:
            return self.mailbox(mailbox)
        if not _DIALLED.match(number):
            return Unallocated()
        caller = self.caller(call)
        if self._is_outside(number):
            return self._ring(call, number, self._shown_outside(caller, number))
        if not number.isdigit() or self._directory.is_anothers(call.account, number):
            return Unallocated()
        callee = self._directory.get(call.account, number)
        if callee is not None and not callee.call_waiting and self.has_call(number):
            return self.otherwise(call, number, DialOutcome.BUSY) or UserBusy()
        shown = None
        if caller is not None and caller.cid_masquerade:
            shown = Party(caller.cid_masquerade, caller.name)
        return self._ring(call, number, shown)

    def _mailbox_of(self, call: Call, number: str) -> str | None:
        """Whose mailbox a number opens; "": of the one who is asked for; None: it opens none."""
        own = self.mailbox_number
        if not own or not number.startswith(own):
            return None
        caller = self.caller(call)
        return number.removeprefix(own) or (caller.extension if caller is not None else "")

    def ring(self, call: Call, number: str) -> Program:
        """Ring a number for one who did not dial it: whether its phone has another call does not count."""
        return self._ring(call, number, None)

    def _ring(self, call: Call, number: str, shown: Party | None) -> Program:
        outside = self._is_outside(number)
        callee = None if outside else self._directory.get(call.account, number)
        external = outside or not self.is_extension(call.caller)
        recorded = is_recorded(self.caller(call), callee, external=external)
        return ExtensionCall(
            self.reach(number),
            RING_TIME if callee is None or self._directory.mailbox(call.account, number) is None else self.ring_time,
            shown,
            number=number,
            record=recorded,
            otherwise=self.otherwise,
        )

    def otherwise(self, call: Call, number: str, outcome: DialOutcome) -> Program | None:
        """What serves one who has called an extension, and was not answered: its mailbox, if it has one."""
        if self._directory.mailbox(call.account, number) is None:
            return None
        return LeaveMessage(self.voicemail, number, "busy" if outcome is DialOutcome.BUSY else "unavailable")

    def caller(self, call: Call) -> ExtensionSettings | None:
        """The extension that calls; None: it is none of the directory."""
        return self.settings_of(call.caller)

    def settings_of(self, leg: Leg) -> ExtensionSettings | None:
        """The extension whose phone a leg is; None: it is none of the directory."""
        number = self.number_of(leg)
        return self._directory.get(leg.call.account, number) if number else None

    def number_of(self, leg: Leg) -> str:
        """The name of the endpoint that a leg is at, where that is dialled as extensions are; "": it is not."""
        # one that we dial has no name before it has entered our application
        found = (
            self._channel.match(leg.name)
            or self._channel.match(leg.endpoint)
            or self._dialled_endpoint.match(leg.endpoint)
        )
        return found[1] if found else ""

    def is_extension(self, leg: Leg) -> bool:
        """Whether a leg is a phone of ours: in the directory, or an endpoint of a file of Asterisk that is a number.
        Anything else is outside, as a trunk is."""
        number = self.number_of(leg)
        return number.isdigit() or self.settings_of(leg) is not None

    def has_call(self, extension: str) -> bool:
        """Whether an extension's phone is in a call, rings, or calls."""
        endpoint = self.endpoint(extension)
        legs = self._registry.legs.values()
        return any(leg.alive and (leg.endpoint == endpoint or leg.name.startswith(endpoint + "-")) for leg in legs)

    def _is_outside(self, number: str) -> bool:
        return bool(self._trunk_template) and bool(self._outside.match(number) or self._is_emergency(number))

    def _is_emergency(self, number: str) -> bool:
        return self._emergency is not None and self._emergency.match(number) is not None

    def _shown_outside(self, caller: ExtensionSettings | None, number: str) -> Party | None:
        if caller is None:
            return None
        shown = caller.outbound_cid
        if self._is_emergency(number) and caller.emergency_cid:
            shown = caller.emergency_cid
        # Outside the name of an employee is nobody's business, and carriers take names from their own records.
        return Party(shown) if shown else None
