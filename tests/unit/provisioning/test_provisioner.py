"""Extensions brought to an Asterisk that is away, refuses, forgets, or loses an answer; and after a crash of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from ari_app.ari.fake import Answers
from ari_app.calls.directory import Directory, ExtensionSettings
from ari_app.errors import Conflict
from ari_app.provisioning.provisioner import RETRY, Provisioner
from ari_app.provisioning.service import ExtensionService
from ari_app.store import migrate
from ari_app.store.accounts import DEFAULT
from ari_app.store.database import Database
from ari_app.store.extensions import ExtensionData, Extensions, Mailbox
from ari_app.store.imported_extensions import ExtensionRow
from ari_app.store.imports import Changes, Imports
from ari_app.store.passwords import Passwords
from tests.unit.calls.stage import Stage, a_stage

ANN = ExtensionData(settings=ExtensionSettings(extension="1001", name='Ann "A" <1>'), secret="s3cret")
BO = ExtensionData(settings=ExtensionSettings(extension="1002", name="Bo", nat="no", dtmf_mode="shortinfo"))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with a_stage() as made:
        yield made


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/x.sqlite"
    await migrate.upgrade(url)
    database = Database(url)
    await database.start()
    yield database
    await database.close()


def service(stage: Stage, database: Database) -> ExtensionService:
    store = Extensions(database, stage.clock, Passwords(time_cost=1, memory_cost=8, parallelism=1))
    provisioner = Provisioner(store, stage.registry.nodes, stage.clock)
    return ExtensionService(store, Directory(), provisioner)


def there(stage: Stage) -> set[tuple[str, str]]:
    return {(kind, name) for _, kind, name in stage.fake.world.config}


WHOLE = {("auth", "1001"), ("aor", "1001"), ("endpoint", "1001")}


async def given(one: ExtensionService) -> set[str]:
    """What is known to have arrived."""
    return {number for number, of in (await one.store.provisioned("pbx")).items() if not of.startswith(":") and of}


async def test_made_changed_and_removed(stage: Stage, database: Database) -> None:
    one = service(stage, database)
    await one.create(DEFAULT, ANN)
    config = stage.fake.world.config
    auth, endpoint = config["res_pjsip", "auth", "1001"], config["res_pjsip", "endpoint", "1001"]
    # MD5 of 1001:asterisk:s3cret, as `echo -n ... | md5sum` has it
    assert (auth["md5_cred"], auth["password"]) == ("f7dbbdbf168b9321038960bcf17fc498", "")
    assert endpoint["callerid"] == '"Ann A 1" <1001>'
    assert (endpoint["dtmf_mode"], endpoint["rtp_symmetric"]) == ("rfc4733", "yes")
    # without a secret the one there is stays
    settings = msgspec.structs.replace(BO.settings, extension="1001")
    await one.update(DEFAULT, "1001", ExtensionData(settings=settings))
    auth, endpoint = config["res_pjsip", "auth", "1001"], config["res_pjsip", "endpoint", "1001"]
    assert auth["md5_cred"] == "f7dbbdbf168b9321038960bcf17fc498"
    assert (endpoint["dtmf_mode"], endpoint["rtp_symmetric"]) == ("info", "no")
    await one.delete(DEFAULT, "1001")
    assert there(stage) == set()
    assert await one.store.provisioned("pbx") == {}
    assert one.directory.get(DEFAULT, "1001") is None


async def test_without_a_secret_nobody_knows_one(stage: Stage, database: Database) -> None:
    one = service(stage, database)
    await one.create(DEFAULT, BO)
    first = stage.fake.world.config["res_pjsip", "auth", "1002"]["md5_cred"]
    await one.delete(DEFAULT, "1002")
    await one.create(DEFAULT, BO)
    assert stage.fake.world.config["res_pjsip", "auth", "1002"]["md5_cred"] != first


@pytest.mark.parametrize("kind", ["auth", "aor", "endpoint"])
async def test_refused_for_a_moment(stage: Stage, database: Database, kind: str) -> None:
    one = service(stage, database)
    stage.fake.faults.refuse("asterisk.updateObject", 500, matches=lambda asked: asked["objectType"] == kind)
    await one.create(DEFAULT, ANN)
    assert await given(one) == set()
    stage.clock.advance(RETRY)
    await one.provisioner.idle()
    assert there(stage) == WHOLE
    assert await given(one) == {"1001"}


async def test_one_that_is_refused_keeps_no_other_away(stage: Stage, database: Database) -> None:
    one = service(stage, database)
    bad = {"asterisk.updateObject": 500}
    for operation, status in bad.items():
        stage.fake.faults.refuse(operation, status, times=99, matches=lambda asked: asked["id"] == "1001")
    await one.create(DEFAULT, ANN)
    await one.create(DEFAULT, BO)
    stage.clock.advance(RETRY)
    await one.provisioner.idle()
    assert await given(one) == {"1002"}
    stage.fake.faults.clear()
    stage.clock.advance(RETRY)
    await one.provisioner.idle()
    assert await given(one) == {"1001", "1002"}


async def test_the_answer_is_lost(stage: Stage, database: Database) -> None:
    """Whether it was done nobody knows: it is done again, and what is removed then is removed."""
    one = service(stage, database)
    stage.fake.faults.lose("asterisk.updateObject", matches=lambda asked: asked["objectType"] == "endpoint")
    await one.create(DEFAULT, ANN)
    await one.provisioner.idle()
    stage.fake.faults.lose("asterisk.deleteObject", matches=lambda asked: asked["objectType"] == "aor")
    await one.delete(DEFAULT, "1001")
    stage.clock.advance(RETRY)
    await one.provisioner.idle()
    assert there(stage) == set()
    assert await one.store.provisioned("pbx") == {}


async def test_a_process_that_was_killed_in_between(stage: Stage, database: Database) -> None:
    """What it had written to SQL, and not told, the next one tells; once, and not what is there already."""
    before = service(stage, database)
    await before.create(DEFAULT, BO)
    await before.store.create(DEFAULT, ANN)
    after = service(stage, database)
    await after.load()
    known = after.directory.get(DEFAULT, "1001")
    assert known is not None
    assert known.name == ANN.settings.name
    stage.fake.log.clear()
    after.provisioner.connected(stage.node)
    await after.provisioner.idle()
    assert {asked["id"] for asked in stage.asked("asterisk.updateObject")} == {"1001"}
    assert await given(after) == {"1001", "1002"}
    # killed after a removal
    await after.store.delete(DEFAULT, "1002")
    last = service(stage, database)
    last.provisioner.connected(stage.node)
    await last.provisioner.idle()
    assert there(stage) == WHOLE


async def test_asterisk_was_started_anew(stage: Stage, database: Database) -> None:
    one = service(stage, database)
    stage.node.on_resynced = lambda snapshot: one.provisioner.connected(stage.node)
    await one.create(DEFAULT, ANN)
    lost = dict(stage.fake.world.config)
    lost["res_pjsip", "auth", "1001"] = {"md5_cred": "an older one"}
    stage.fake.restart()
    stage.fake.world.config.clear()
    stage.fake.world.config.update(lost)
    await stage.until(lambda: stage.fake.world.config["res_pjsip", "auth", "1001"]["md5_cred"] != "an older one")
    await one.provisioner.idle()
    assert await given(one) == {"1001"}


async def test_endpoints_of_others_are_let_be(stage: Stage, database: Database) -> None:
    stage.fake.endpoints["PJSIP/2001"] = Answers()
    one = service(stage, database)
    await one.create(DEFAULT, ANN)
    one.provisioner.connected(stage.node)
    await one.provisioner.idle()
    assert stage.asked("asterisk.deleteObject") == []


async def test_mailbox_passwords_stay_and_are_not_told(database: Database, stage: Stage) -> None:
    one = service(stage, database)
    with_mailbox = msgspec.structs.replace(ANN, mailbox=Mailbox(email="a@b.de"), mailbox_password="4711")
    await one.create(DEFAULT, with_mailbox)
    await one.update(DEFAULT, "1001", msgspec.structs.replace(ANN, mailbox=Mailbox(context="other")))
    async with database.transaction(write=False) as connection:
        kept = (await connection.exec_driver_sql("SELECT voicemail, sip_digest FROM extensions")).one()
    assert "$argon2" in kept[0]
    assert "4711" not in kept[0]
    assert "s3cret" not in str(kept)
    assert (await one.get(DEFAULT, "1001")).mailbox == Mailbox(context="other")
    with pytest.raises(Conflict):
        await one.create(DEFAULT, ANN)


async def test_one_whose_endpoint_is_another_system_s(stage: Stage, database: Database) -> None:
    """As an import leaves it: known to calls, and made in Asterisk when an administrator says so; and back."""
    one = service(stage, database)
    imports = Imports(database, stage.clock, "freepbx")

    async def imported(**changes: list[ExtensionRow]) -> None:
        await imports.apply(DEFAULT, lambda held: Changes(**changes))
        await one.reload()
        await one.provisioner.idle()

    row = ExtensionRow(settings=ANN.settings, digest="0" * 32)
    await imported(new_extensions=[row])
    assert there(stage) == set()
    assert one.directory.get(DEFAULT, "1001") == ANN.settings
    await one.update(DEFAULT, "1001", ANN)  # what is changed here does not make it ours
    assert there(stage) == set()
    await imported(extensions=[msgspec.structs.replace(row, provisioned=True)])
    assert there(stage) == WHOLE
    assert await given(one) == {"1001"}
    await imported(extensions=[row])
    assert there(stage) == set()
    assert await one.store.provisioned("pbx") == {}


def aors_removed(stage: Stage) -> int:
    return len([asked for asked in stage.asked("asterisk.deleteObject") if asked["objectType"] == "aor"])


async def test_another_secret_ends_the_registration(stage: Stage, database: Database) -> None:
    """Asterisk forgets what is registered with an aor that is removed. No other change does that, and no restart."""
    one = service(stage, database)
    await one.create(DEFAULT, ANN)
    renamed = msgspec.structs.replace(ANN.settings, name="Anna")
    await one.update(DEFAULT, "1001", ExtensionData(settings=renamed))
    await one.update(DEFAULT, "1001", ExtensionData(settings=renamed, secret="s3cret"))  # the one it has
    assert aors_removed(stage) == 0
    await one.update(DEFAULT, "1001", ExtensionData(settings=renamed, secret="another"))
    assert aors_removed(stage) == 1
    assert there(stage) == WHOLE
    again = service(stage, database).provisioner
    again.connected(stage.node)
    await again.idle()
    assert aors_removed(stage) == 1


async def test_a_secret_changed_while_asterisk_refuses(stage: Stage, database: Database) -> None:
    """It is known from what has arrived last, also by the next process."""
    one = service(stage, database)
    await one.create(DEFAULT, ANN)
    for secret in (None, "another"):
        stage.fake.faults.refuse("asterisk.updateObject", 500)
        await one.update(DEFAULT, "1001", ExtensionData(settings=ANN.settings, secret=secret))
    assert await given(one) == set()
    assert aors_removed(stage) == 0
    again = service(stage, database)
    again.provisioner.connected(stage.node)
    await again.provisioner.idle()
    assert aors_removed(stage) == 1
    assert await given(again) == {"1001"}
