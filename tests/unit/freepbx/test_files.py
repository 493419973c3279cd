"""The sources that are files: generated configuration, backup archive, CSV; whole and damaged."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ari_app.freepbx import backup, conf, sheet, sources
from ari_app.freepbx.errors import SourceUnreadable
from ari_app.freepbx.mapping import Wanted, wanted
from ari_app.freepbx.notes import Level
from ari_app.freepbx.sources import SourceOptions
from ari_app.freepbx.tables import describe
from tests.harness.freepbx_files import documents, write_backup, write_conf
from tests.unit.freepbx.sample import FreePBX, small


def full() -> FreePBX:
    """With settings that take different ways into the files."""
    made = small()
    made.extension("1004", "Adams, Dana")
    made.queue(
        "600",
        "Local/1004@from-queue/n,1",
        config={
            "descr": "Files",
            "grppre": "F: ",
            "maxwait": "90",
            "ringing": "1",
            "use_queue_context": "2",
            "dest": "ext-queues,500,1",
            "monitor_type": "b",
            "alertinfo": "<http://x>;info=ring",
        },
        retry="none",
        recording="force",
        music="jazz",
        weight="4",
    )
    made.rows["freepbx_settings"].append({"keyword": "QUEUES_SHARED_LASTCALL", "value": "0", "module": ""})
    return made


def read(place: Path) -> tuple[Wanted, dict[str, Level]]:
    described = sources.read(str(place), SourceOptions())
    found = wanted(described)
    return found, {note.item: note.level for note in described.notes.all()}


# generated configuration


def test_files_tell_what_the_tables_tell_but_for_what_they_lack(tmp_path: Path) -> None:
    made = full()
    found, notes = read(write_conf(tmp_path, made))
    expected = wanted(describe(made.tables()))
    for extension, queue in expected.queues.items():
        settings = {name: value for name, value in queue.settings.items() if name != "name"}
        assert found.queues[extension].settings == settings
        dynamic = {"501": {"1001"}}.get(extension, set())
        assert found.queues[extension].members == {n: s for n, s in queue.members.items() if n not in dynamic}
    assert found.queues["600"].attributes["failover"]["number"] == "500"
    assert found.queues["600"].attributes["alertinfo"] == "<http://x>;info=ring"
    assert found.agents["1004"].data == {"first_name": "Adams,", "last_name": "Dana"}
    assert notes["files"] is Level.REMARK


def test_without_the_dialplan_what_it_knows_is_left_alone(tmp_path: Path) -> None:
    directory = write_conf(tmp_path, full())
    (directory / "extensions_additional.conf").unlink()
    (directory / "queues_general_additional.conf").unlink()
    found, notes = read(directory)
    unknown = {"name", "max_wait_time", "cid_name_prefix", "ringing_moh", "recording_format", "wrap_up_all_queues"}
    assert found.queues["600"].settings.keys().isdisjoint(unknown)
    assert notes["extensions_additional.conf"] is Level.REMARK
    assert notes["retry=1"] is Level.REMARK


def test_an_administrator_s_own_files_add_to_the_generated_ones(tmp_path: Path) -> None:
    directory = write_conf(tmp_path, small())
    (directory / "queues_custom.conf").write_text("[999]\nstrategy=linear\nmember => PJSIP/1001,0\n")
    (directory / "queues_post_custom.conf").write_text("[500](+)\nweight=9\n")
    found, _ = read(directory)
    assert found.queues["500"].settings["weight"] == 9
    assert found.queues["999"].settings["ring_strategy"] == "linear"


def test_a_directory_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"no queues_additional\.conf"):
        conf.read(tmp_path)


def test_files_outside_the_directory_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.conf").write_text("weight=10\n")
    directory = write_conf(tmp_path / "etc", small())
    with (directory / "queues_additional.conf").open("a") as file:
        file.write("[700]\n#include ../secret.conf\n#include /etc/passwd\n")
    (directory / "queues_custom.conf").symlink_to(tmp_path / "secret.conf")
    found, notes = read(directory)
    assert found.queues["700"].settings["weight"] == 0
    assert notes["file ../secret.conf"] is notes["file /etc/passwd"] is Level.CANNOT
    assert notes["file queues_custom.conf"] is Level.CANNOT


# backup


def test_a_backup_tells_what_the_database_tells(tmp_path: Path) -> None:
    made = full()
    path = write_backup(
        tmp_path / "b.tar.gz", documents(made, whole=True) | {"files/etc/asterisk/voicemail.conf": b"[default]\n"}
    )
    assert read(path)[0] == wanted(describe(made.tables()))


def test_a_backup_of_the_queues_alone(tmp_path: Path) -> None:
    made = full()
    found, notes = read(write_backup(tmp_path / "b.tgz", documents(made)))
    expected = wanted(describe(made.tables()))
    assert {key: queue.members for key, queue in found.queues.items()} == {
        key: queue.members for key, queue in expected.queues.items()
    }
    assert found.queues["501"].members["1001"] == 4
    assert found.extensions is None
    assert notes["table users"] is Level.REMARK


def test_paths_that_climb_out_and_links_are_not_read(tmp_path: Path) -> None:
    made = documents(full())
    path = tmp_path / "b.tar.gz"
    evil = json.dumps({"configs": {"tables": {"queues_config": [{"extension": "666", "descr": "Evil"}]}}}).encode()
    with tarfile.open(path, "w:gz") as archive:
        for name in ("../../modulejson/Queues.json", "/abs/modulejson/Queues.json", "a/../../modulejson/Queues.json"):
            info = tarfile.TarInfo(name)
            info.size = len(evil)
            archive.addfile(info, io.BytesIO(evil))
        link = tarfile.TarInfo("modulejson/Queues.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/shadow"
        archive.addfile(link)
        good = json.dumps(made["modulejson/Queues.json"]).encode()
        info = tarfile.TarInfo("modulejson/Queues.json")
        info.size = len(good)
        archive.addfile(info, io.BytesIO(good))
        info = tarfile.TarInfo("again/modulejson/Queues.json")
        info.size = len(evil)
        archive.addfile(info, io.BytesIO(evil))
    found, notes = read(path)
    assert set(found.queues) == {"500", "501", "600"}
    refused = {item for item, level in notes.items() if level is Level.CANNOT}
    assert refused == {
        "file ../../modulejson/Queues.json",
        "file /abs/modulejson/Queues.json",
        "file a/../../modulejson/Queues.json",
        "file modulejson/Queues.json",
        "file again/modulejson/Queues.json",
    }


def test_half_an_archive(tmp_path: Path) -> None:
    """Wherever it is cut: an error, never half of the queues."""
    chance = random.Random(7)
    noise = {f"files/{number}.wav": chance.randbytes(2000) for number in range(5)}
    whole = write_backup(tmp_path / "whole.tar.gz", documents(full(), whole=True) | noise).read_bytes()
    assert read(tmp_path / "whole.tar.gz")[0].queues
    cut = tmp_path / "cut.tar.gz"
    for length in [0, 1, 10, *range(100, len(whole), len(whole) // 40), len(whole) - 9, len(whole) - 1]:
        cut.write_bytes(whole[:length])
        with pytest.raises(SourceUnreadable):
            backup.read(cut)


def test_a_damaged_archive(tmp_path: Path) -> None:
    whole = bytearray(write_backup(tmp_path / "whole.tar.gz", documents(full(), whole=True)).read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(whole)
    with pytest.raises(SourceUnreadable):
        backup.read(damaged)


def test_a_zip_bomb_is_left_alone(tmp_path: Path) -> None:
    """Some 300 KB that become 300 MB, before the queues and in their place."""
    zeros = b"\0" * (1024 * 1024)
    for name in ("files/x.wav", "modulejson/Queues.json"):
        path = tmp_path / "bomb.tar.gz"
        with gzip.open(path, "wb") as file:
            info = tarfile.TarInfo(name)
            info.size = 300 * len(zeros)
            file.write(info.tobuf())
            for _ in range(300):
                file.write(zeros)
        with pytest.raises(SourceUnreadable, match=r"larger than|grows more than"):
            backup.read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[" * 100_000,
        b"[]",
        b"3",
        b'{"configs": 3}',
        b'{"configs": {"tables": []}}',
        b'{"configs": {"tables": {"queues_config": {}, "queues_details": []}}}',
        b'{"configs": {"tables": {"queues_config": [1], "queues_details": []}}}',
        b'{"configs": {"tables": {"queues_config": [{"descr": "x"}], "queues_details": []}}}',
    ],
)
def test_a_backup_of_another_shape(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceUnreadable):
        describe(backup.read(write_backup(tmp_path / "b.tar.gz", {"modulejson/Queues.json": content})))


def test_values_of_any_type(tmp_path: Path) -> None:
    """PHP writes numbers as numbers or as text, NULL as null, an empty object as []."""
    tables: dict[str, Any] = {
        "queues_config": [{"extension": 500, "descr": None, "ringing": True, "maxwait": 60}],
        "queues_details": [{"id": 500, "keyword": "weight", "data": 3, "flags": 0}],
    }
    document = {"configs": {"tables": tables, "settings": [], "astdb": []}}
    found, _ = read(write_backup(tmp_path / "b.tar.gz", {"x/modulejson/Queues.json": document}))
    settings = found.queues["500"].settings
    assert (settings["name"], settings["ringing_moh"], settings["max_wait_time"], settings["weight"]) == (
        "Queue 500",
        True,
        60,
        3,
    )


def test_what_is_no_backup(tmp_path: Path) -> None:
    for content in (b"plain text", gzip.compress(b"no tar"), b"\x1f\x8b"):
        path = tmp_path / "b.tar.gz"
        path.write_bytes(content)
        with pytest.raises(SourceUnreadable):
            backup.read(path)
    with pytest.raises(SourceUnreadable, match=r"no modulejson/Queues\.json"):
        backup.read(write_backup(tmp_path / "c.tar.gz", {"modulejson/Core.json": {}}))


# CSV


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "queues.csv"
    path.write_bytes(
        b"\xef\xbb\xbfExtension;descr;maxwait;strategy;retry;members;dynmembers;colour\r\n"
        b'500;"Sales; West";300;linear;none;1001:0|PJSIP/1002:2;1003:1;red\r\n'
        b"\r\n501;S\xfcd;;;;;;\r\n"
    )
    found, notes = read(path)
    queue = found.queues["500"]
    assert queue.settings["name"] == "Sales; West"
    assert (queue.settings["max_wait_time"], queue.settings["agent_retry_time"]) == (300, None)
    assert queue.members == {"1001": 1, "1002": 3, "1003": 2}
    assert found.queues["501"].settings["name"] == "Süd"
    assert notes == {"column 'colour'": Level.CANNOT, "passwords": Level.REMARK}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column extension"),
        ("descr\nx\n", "no column extension"),
        ("extension,descr\n500\n", "line 2: has 1 fields, not 2"),
        ("extension,descr\n500,a\n501,b,c\n", "line 3: has 3 fields, not 2"),
        ("extension,descr,descr\n500,a,b\n", "column descr twice"),
        ('extension,descr\n500,"' + "x" * 200_000 + '"\n', "line 2"),
    ],
)
def test_a_damaged_csv(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "queues.csv"
    path.write_text(text)
    with pytest.raises(SourceUnreadable, match=said):
        sheet.read(path)


def test_other_files(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK")
    (tmp_path / "x.conf").write_text("<?php\n$amp_conf['AMPDBHOST']='x';\n")
    for name, reason in (("x.zip", "neither .conf"), ("x.conf", "AMPDBUSER"), ("none", "neither a file")):
        with pytest.raises(SourceUnreadable, match=reason):
            sources.read(str(tmp_path / name), SourceOptions())
