"""Where we connect to for others, and where not."""

from __future__ import annotations

import socket

import pytest

from ari_app.config import networks
from ari_app.hooks.addresses import Forbidden, Guard


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://10.1.2.3:8080/x",
        "http://192.168.0.1",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://example.org@127.0.0.1/",
        "http://user:password@example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "http://",
        "http://[",
        "http://example.org:99999/",
        "",
    ],
)
def test_forbidden(url: str) -> None:
    with pytest.raises(Forbidden):
        Guard().check_url(url)


@pytest.mark.parametrize("url", ["https://example.org/x?y=z", "http://8.8.8.8:81/", "http://[2606:4700::1111]/"])
def test_allowed(url: str) -> None:
    Guard().check_url(url)


def test_what_the_operator_names_is_allowed() -> None:
    guard = Guard(networks("127.0.0.0/8, fd00::/8,10.0.0.7"))
    for address in ("127.0.0.1", "fd00::1", "10.0.0.7", "::ffff:127.0.0.1"):
        guard.check(address)
    for address in ("10.0.0.8", "::1"):
        with pytest.raises(Forbidden):
            guard.check(address)
    with pytest.raises(ValueError, match="nonsense"):
        networks("nonsense")


async def test_a_name_of_this_machine_is_forbidden_when_it_is_resolved() -> None:
    with pytest.raises(Forbidden):
        await Guard().resolve("localhost", 80, socket.AF_INET)
    (found,) = await Guard(networks("127.0.0.0/8")).resolve("localhost", 80, socket.AF_INET)
    assert (found["host"], found["port"]) == ("127.0.0.1", 80)
