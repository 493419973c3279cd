"""Signatures of what we send to other servers, so that they know whom it comes from and that it is fresh.

A request has these headers:

    Idempotency-Key        the message's id; the same in every attempt, so a receiver can leave out what it has had
    X-AriApp-Signature     t=1700000000,v1=5257a869...

`t` is when this attempt was made (UNIX seconds), `v1` the HMAC-SHA256, in hexadecimal, of "<t>.<id>.<body>" under the
account's secret, a text. A receiver works it out from the body as it came, compares in constant time, and refuses a `t`
that is far from its own clock. There may be a v2 one day beside it: what is not known is to be ignored.

The secret of account N is the hexadecimal HMAC-SHA256 of "account:N" under HOOK_SECRET:

    printf account:1 | openssl dgst -sha256 -hmac "$HOOK_SECRET"

So no account can sign as another, and nothing secret is in the database.
"""

from __future__ import annotations

import hashlib
import hmac

HEADER = "X-AriApp-Signature"
#: seconds by which a receiver's clock may differ
TOLERANCE = 300.0


def account_secret(hook_secret: str, account: int) -> str:
    """With which messages of an account are signed."""
    return _hmac(hook_secret, f"account:{account}".encode())


def sign(secret: str, id: str, body: bytes, now: float) -> str:
    """The header's value."""
    return f"t={int(now)},v1={_hmac(secret, _signed(int(now), id, body))}"


def verify(secret: str, id: str, body: bytes, header: str, now: float) -> bool:
    """As a receiver does it."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at = parts.get("t", "")
    if not (at.isascii() and at.isdigit() and len(at) < 16) or abs(now - int(at)) > TOLERANCE:
        return False
    wanted = _hmac(secret, _signed(int(at), id, body))
    return hmac.compare_digest(wanted.encode(), parts.get("v1", "").encode())


def _signed(at: int, id: str, body: bytes) -> bytes:
    return f"{at}.{id}.".encode() + body


def _hmac(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
