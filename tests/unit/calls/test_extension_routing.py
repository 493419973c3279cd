"""Calls of extensions, by the settings of who calls and who is called."""

from __future__ import annotations

import pytest

from ari_app.ari.fake import NeverAnswers
from ari_app.calls.directory import Directory, ExtensionSettings
from ari_app.calls.extension_routing import ExtensionRouting
from ari_app.calls.leg import LegState
from ari_app.calls.programs import ExtensionCall, Unallocated
from tests.unit.calls.stage import Stage

ACCOUNT = 1
ANN = ExtensionSettings(
    extension="1001", name="Ann", cid_masquerade="5000", outbound_cid="030111", emergency_cid="030112"
)
BO = ExtensionSettings(extension="1002", name="Bo")
CY = ExtensionSettings(extension="1003", name="Cy", call_waiting=True, emergency_cid="030113")


def routed(stage: Stage) -> Directory:
    directory = Directory()
    directory.fill((ACCOUNT, one) for one in (ANN, BO, CY))
    routing = ExtensionRouting(
        stage.registry, directory, "PJSIP/{extension}", "PJSIP/{number}@trunk", r"\+|0|[0-9]{7}", "112|911"
    )
    stage.program = lambda call: routing.route(call, call.number)
    for number in ("1001", "1002", "1003", "0301234@trunk", "112@trunk", "2001"):
        stage.fake.endpoints[f"PJSIP/{number}"] = NeverAnswers()
    return directory


async def shown(stage: Stage, number: str, caller: str) -> tuple[str, str, str]:
    """Where the call goes, and the number and name it shows there."""
    call, channel = await stage.incoming(
        exten=number, caller=caller, context="from-internal", technology=f"PJSIP/{caller}"
    )
    callee = await stage.until(lambda: next((leg for leg in call.legs.values() if leg.role == "callee"), None))
    await callee.until(LegState.RINGING)
    asked = stage.asked("channels.create")[-1]
    stage.fake.hangup_from_far_end(channel)
    await stage.over(call)
    return (
        asked["endpoint"],
        asked["variables"]["CONNECTEDLINE(num,i)"],
        asked["variables"]["CONNECTEDLINE(name,i)"],
    )


@pytest.mark.parametrize(
    ("caller", "number", "endpoint", "sees", "name"),
    [
        ("1001", "1002", "PJSIP/1002", "5000", "Ann"),
        ("1002", "1001", "PJSIP/1001", "1002", ""),
        ("1001", "0301234", "PJSIP/0301234@trunk", "030111", ""),
        ("1002", "0301234", "PJSIP/0301234@trunk", "1002", ""),
        ("1001", "112", "PJSIP/112@trunk", "030112", ""),
        ("1003", "112", "PJSIP/112@trunk", "030113", ""),
        ("1003", "0301234", "PJSIP/0301234@trunk", "1003", ""),
        ("1001", "2001", "PJSIP/2001", "5000", "Ann"),
    ],
)
async def test_who_is_called_and_what_is_shown(
    stage: Stage, caller: str, number: str, endpoint: str, sees: str, name: str
) -> None:
    routed(stage)
    assert await shown(stage, number, caller) == (endpoint, sees, name)


@pytest.mark.parametrize("number", ["1002", "1003"])
async def test_call_waiting(stage: Stage, number: str) -> None:
    routed(stage)
    first, _ = await stage.incoming(exten=number, caller="1001", context="from-internal", technology="PJSIP/1001")
    callee = await stage.until(lambda: next((leg for leg in first.legs.values() if leg.role == "callee"), None))
    await callee.until(LegState.RINGING)
    second, channel = await stage.incoming(
        exten=number, caller="2001", context="from-internal", technology="PJSIP/2001"
    )
    if number == "1002":
        await stage.over(second)
        assert channel.cause == 17
    else:
        await stage.until(lambda: [leg for leg in second.legs.values() if leg.role == "callee"])


async def test_who_calls_is_busy_too(stage: Stage) -> None:
    routed(stage)
    await stage.incoming(exten="1003", caller="1002", context="from-internal", technology="PJSIP/1002")
    second, channel = await stage.incoming(
        exten="1002", caller="1001", context="from-internal", technology="PJSIP/1001"
    )
    await stage.over(second)
    assert channel.cause == 17


async def test_what_is_no_number_or_another_accounts(stage: Stage) -> None:
    directory = routed(stage)
    directory.put(2, ExtensionSettings(extension="1009", name="Di"))
    call, _ = await stage.incoming(context="from-internal", technology="PJSIP/1001")
    routing = ExtensionRouting(stage.registry, directory, "PJSIP/{extension}")
    for number, kind in (("1009", Unallocated), ("*97", Unallocated), ("+49", Unallocated), ("112", ExtensionCall)):
        assert type(routing.route(call, number)) is kind
    directory.remove("1009")
    assert type(routing.route(call, "1009")) is ExtensionCall


async def test_restored_as_it_was(stage: Stage) -> None:
    directory = routed(stage)
    assert directory.is_anothers(2, "1001")
    routing = ExtensionRouting(stage.registry, directory, "PJSIP/{extension}")
    call, _ = await stage.incoming(exten="1002", caller="1001", context="from-internal", technology="PJSIP/1001")
    made = routing.route(call, "1002")
    assert isinstance(made, ExtensionCall)
    assert ExtensionCall.of(made.state()).state() == made.state()
