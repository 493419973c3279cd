"""Problems of an installation that no real one is easily brought to."""

from __future__ import annotations

import asyncio
import ssl
from collections import namedtuple
from pathlib import Path

import pytest

from ari_app import check
from ari_app.config import Settings
from ari_app.ops import disk
from tests.harness import net, smtp

Usage = namedtuple("Usage", "total used free")


async def codes(**settings: object) -> list[str]:
    return [problem.code for problem in await check._check_around(Settings.model_validate(settings))]


async def test_a_full_disk_is_told_of_each_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: Usage(100, 90, 10))
    assert await codes(data_dir=tmp_path) == ["disk_full", "disk_full"]
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: Usage(100, 89, 11))
    assert await codes(data_dir=tmp_path) == []


async def test_certificates_that_end_soon_or_are_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one shown here is made for two days."""
    files = smtp.certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    port = net.free_port()
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port, ssl=context)
    async with server:
        url = f"https://127.0.0.1:{port}/ari"
        assert await codes(data_dir=tmp_path, ari_url=url) == ["certificate_invalid"]
        monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
        assert await codes(data_dir=tmp_path, ari_url=url) == ["certificate_expires"]
        monkeypatch.setattr(check, "EXPIRES_SOON", 86400.0)
        assert await codes(data_dir=tmp_path, ari_url=url) == []
