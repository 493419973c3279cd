"""Alerts by text message, where there is no gateway."""

from __future__ import annotations

from tests.dialects.eq.test_fuzz import GOOD
from tests.dialects.eq.world import World

SMS = {**GOOD["alert"], "notificationType": "sms"}


async def test_that_nobody_is_told_is_a_problem_of_the_configuration(world: World) -> None:
    world.missing["sms"] = ""
    await world.done("POST", "/supervisor", json={"data": GOOD["supervisor"]})
    await world.done("POST", "/call_queue", json={"data": GOOD["call_queue"]})
    await world.done("POST", "/alert", json={"data": SMS})
    assert await world.done("GET", "/configuration_check") == {"ok": True, "problems": []}
    world.missing["sms"] = "SMS_URL is not set"
    found = await world.done("GET", "/configuration_check")
    assert not found["ok"]
    [problem] = found["problems"]
    assert (problem["code"], problem["severity"]) == ("alerts_sms_not_configured", "error")
    assert "SMS_URL" in problem["message"]
    assert (await world.done("GET", "/configuration_check", key="other"))["ok"]
    refused = await world.ask("POST", "/alert", json={"data": {**SMS, "name": "Another"}})
    [error] = refused.json["errors"]
    assert (refused.status, error["parameter"], error["type"]) == (400, "notificationType", "not_configured")
