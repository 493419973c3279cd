"""Signatures: what a receiver accepts, and that nothing else is."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari_app.hooks.sign import TOLERANCE, account_secret, sign, verify

NOW = 1_700_000_000.5


@given(st.text(), st.binary(), st.text(min_size=1))
def test_what_is_signed_is_verified(id: str, body: bytes, secret: str) -> None:
    header = sign(secret, id, body, NOW)
    assert verify(secret, id, body, header, NOW + 1)
    assert verify(secret, id, body, f"v2=new,{header}", NOW)
    assert not verify(secret, id + "x", body, header, NOW)
    assert not verify(secret, id, body + b"x", header, NOW)
    assert not verify(secret + "x", id, body, header, NOW)
    assert not verify(secret, id, body, header.replace("t=17", "t=16"), NOW)
    assert not verify(secret, id, body, header, NOW + TOLERANCE + 1)


@given(st.text())
def test_junk_is_refused_and_harms_nobody(header: str) -> None:
    assert not verify("secret", "id", b"{}", header, NOW)


def test_secrets_differ_between_accounts_and_installations() -> None:
    assert len({account_secret(hook, account) for hook in ("a", "b") for account in (1, 2, 11)}) == 6


@pytest.mark.parametrize("account", [1, 42])
def test_the_command_in_the_description_makes_the_secret(account: int) -> None:
    command = ["openssl", "dgst", "-sha256", "-hmac", "s3cret"]
    said = subprocess.run(command, input=f"account:{account}".encode(), capture_output=True, check=True)
    assert said.stdout.decode().split()[-1] == account_secret("s3cret", account)
