"""What a real installation finds wrong with itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.harness.phones import PhoneBox
from tests.integration.server import contact_centre


async def test_a_phone_that_is_not_there_and_an_asterisk_that_is_gone(
    tmp_path: Path, start_asterisk: Any, world: PhoneBox
) -> None:
    async with contact_centre(tmp_path, start_asterisk, world) as centre:
        await centre.queue()
        await centre.agent("1001")
        await centre.pbx.provision("1009", "secret")
        absent = {"number": "1009", "firstName": "A", "password": "1234"}
        user = await centre.server.request("POST", "/agent", data=absent)
        await centre.server.request("POST", "/agent_session", user=user, extension="1009")
        found = await centre.server.request("GET", "/configuration_check")
        assert found["ok"]
        assert [problem["code"] for problem in found["problems"]] == ["extension_unregistered"]
        assert "1009" in found["problems"][0]["message"]
        status, printed = await centre.server.attempt_command("check")
        assert (status, printed.strip()) == (0, "all is well")
        await centre.pbx.stop()
        found = await centre.server.request("GET", "/configuration_check")
        assert not found["ok"]
        assert "asterisk_unreachable" in [problem["code"] for problem in found["problems"]]
