"""SIP extensions, made and removed over ARI."""

from __future__ import annotations

from ari_app.calls.extensions import provision, withdraw
from tests.unit.calls.stage import Stage


async def test_made_changed_and_removed(stage: Stage) -> None:
    config = stage.fake.world.config
    await provision(stage.node, "1001", "secret", name="Ann")
    kinds = {(kind, name) for _, kind, name in config}
    assert kinds == {("auth", "1001"), ("aor", "1001"), ("endpoint", "1001")}
    endpoint = config["res_pjsip", "endpoint", "1001"]
    assert (endpoint["callerid"], endpoint["aors"], endpoint["auth"]) == ("Ann <1001>", "1001", "1001")
    assert endpoint["direct_media"] == "no"  # or nothing could be recorded or listened to
    await provision(stage.node, "1001", "another")
    assert config["res_pjsip", "auth", "1001"]["password"] == "another"
    assert config["res_pjsip", "endpoint", "1001"]["callerid"] == "1001 <1001>"
    await withdraw(stage.node, "1001")
    assert not config
    await withdraw(stage.node, "1001")  # nothing if there is none


async def test_an_endpoint_is_made_last_and_removed_first(stage: Stage) -> None:
    """At no moment is there one that refers to what is not there."""
    await provision(stage.node, "1001", "secret")
    assert [asked["objectType"] for asked in stage.asked("asterisk.updateObject")] == ["auth", "aor", "endpoint"]
    await withdraw(stage.node, "1001")
    assert [asked["objectType"] for asked in stage.asked("asterisk.deleteObject")] == ["endpoint", "aor", "auth"]
