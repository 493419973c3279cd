"""Which calls of extensions are recorded by their rules, and that a recording goes on over a restart."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.ari.fake import NeverAnswers
from ari_app.calls import facts, recovery
from ari_app.calls.directory import Directory, ExtensionSettings, RecordingRules
from ari_app.calls.extension_routing import ExtensionRouting
from ari_app.calls.leg import LegState
from ari_app.calls.programs import ExtensionCall
from ari_app.calls.rule_recording import is_recorded
from tests.unit.calls.stage import Stage

RULES = st.sampled_from(["dontcare", "always", "never"])
EXTENSIONS = st.builds(
    lambda *rules: ExtensionSettings(
        extension="1001",
        name="A",
        recording=RecordingRules(
            inbound_external=rules[0], inbound_internal=rules[1], outbound_external=rules[2], outbound_internal=rules[3]
        ),
    ),
    *[RULES] * 4,
)


@given(st.none() | EXTENSIONS, st.none() | EXTENSIONS, st.booleans())
def test_the_later_rule_counts(
    caller: ExtensionSettings | None, callee: ExtensionSettings | None, external: bool
) -> None:
    place = "external" if external else "internal"
    wanted = "dontcare"
    if caller is not None:
        wanted = getattr(caller.recording, f"outbound_{place}")
    if callee is not None and (rule := getattr(callee.recording, f"inbound_{place}")) != "dontcare":
        wanted = rule
    assert is_recorded(caller, callee, external=external) == (wanted == "always")


def extension(number: str, **rules: Any) -> ExtensionSettings:
    return ExtensionSettings(extension=number, name=number, recording=RecordingRules(**rules))


def routed(stage: Stage, *extensions: ExtensionSettings) -> None:
    directory = Directory()
    directory.fill((1, one) for one in extensions)
    routing = ExtensionRouting(stage.registry, directory, "PJSIP/{extension}", "PJSIP/{number}@trunk", "0")
    stage.program = lambda call: routing.route(call, call.number)
    for number in ("1001", "1002", "0301@trunk"):
        stage.fake.endpoints[f"PJSIP/{number}"] = NeverAnswers()


@pytest.mark.parametrize(
    ("caller", "number", "recorded"),
    [
        ("1001", "1002", ("1001", "1002")),
        ("2001", "1002", None),  # an extension of a file of Asterisk: it has no rules
        ("carrier", "1002", ("carrier", "1002")),
        ("1001", "0301", ("1001", "0301")),
        ("1002", "0301", None),
    ],
)
async def test_the_four_kinds_of_call(stage: Stage, caller: str, number: str, recorded: tuple[str, str] | None) -> None:
    routed(
        stage,
        extension("1001", outbound_internal="always", outbound_external="always"),
        extension("1002", inbound_external="always", outbound_external="never"),
    )
    call, channel = await stage.incoming(
        exten=number, caller=caller, context="from-internal", technology=f"PJSIP/{caller}"
    )
    callee = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
    await callee.until(LegState.RINGING)
    stage.fake.answer(callee.id)
    await stage.until(lambda: callee.bridge and callee.bridge == channel.bridge)
    if recorded is not None:
        await stage.until(lambda: stage.asked("bridges.record"))
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    begun = stage.store.of(facts.RecordingStarted)
    assert [(fact.kind, fact.leg, fact.caller, fact.called) for fact in begun] == (
        [("extension", callee.id, *recorded)] if recorded else []
    )


async def test_it_goes_on_over_a_restart(stage: Stage) -> None:
    routed(stage, extension("1002", inbound_internal="always"))
    call, channel = await stage.incoming(exten="1002", caller="1001", technology="PJSIP/1001", context="from-internal")
    callee = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
    await callee.until(LegState.RINGING)
    stage.fake.answer(callee.id)
    await stage.until(lambda: stage.asked("bridges.record"))
    await stage.quiet()
    await stage.crash()

    def reattach(_: Stage, calls: list[Any]) -> None:
        for one in calls:
            one.program.reattach(one)

    async with stage.next_process({"extension": ExtensionCall.of}, reattach) as (later, calls):
        assert [len(one.recordings) for one in calls] == [1]
        recovery.resume(calls)
        await asyncio.sleep(0)
        later.fake.hangup_from_far_end(channel)
        await later.until(lambda: not later.registry.calls)
        (ended,) = await later.until(lambda: later.store.of(facts.RecordingEnded))
        assert (ended.recording, ended.outcome) == (f"rec-{callee.id}", "finished")
        assert {fact.recording for fact in later.store.of(facts.RecordingStarted)} == {ended.recording}
