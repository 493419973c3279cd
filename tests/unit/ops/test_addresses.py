"""Where we connect to for others, and where not."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from ari_app.config import networks
from ari_app.ops.addresses import Forbidden, Guard, allowed


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


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("9.9.9.9", True),
        ("2620:fe::fe", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:9.9.9.9", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a01:203", False),
        ("2002:7f00:1::", False),
        ("::7f00:1", False),
        ("::909:909", False),
        ("fec0::1", False),
        ("64:ff9b::909:909", False),
    ],
)
def test_what_is_public(address: str, public: bool) -> None:
    assert allowed(ip_address(address), ()) is public


def test_what_the_operator_allows() -> None:
    mine = networks("10.0.0.0/8, 127.0.0.1,, fd00::/8")
    assert [allowed(ip_address(each), mine) for each in ("10.9.9.9", "127.0.0.1", "fd00::2", "::ffff:10.0.0.1")] == [
        True
    ] * 4
    assert [allowed(ip_address(each), mine) for each in ("127.0.0.2", "192.168.0.1", "fe80::1")] == [False] * 3
    with pytest.raises(ValueError, match="host bits"):
        networks("10.0.0.1/8")


def test_what_carries_another_address_is_named_itself_and_so_is_what_it_carries() -> None:
    ways, mine = "64:ff9b::/96, 2002::/16", "10.0.0.0/8"
    for text, networks_, fine in (
        ("64:ff9b::909:909", ways, True),
        ("64:ff9b::a01:203", ways, False),
        ("64:ff9b::a01:203", mine, False),
        ("64:ff9b::a01:203", f"{ways}, {mine}", True),
        ("2002:909:909::1", ways, True),
        ("2002:a01:203::1", ways, False),
        ("::1", "::1", True),
    ):
        assert allowed(ip_address(text), networks(networks_)) is fine, text


async def test_a_name_of_this_machine_is_forbidden_when_it_is_resolved() -> None:
    with pytest.raises(Forbidden):
        await Guard().resolve("localhost", 80, socket.AF_INET)
    (found,) = await Guard(networks("127.0.0.0/8")).resolve("localhost", 80, socket.AF_INET)
    assert (found["host"], found["port"]) == ("127.0.0.1", 80)
