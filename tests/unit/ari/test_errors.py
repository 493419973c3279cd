"""Statuses become errors."""

from __future__ import annotations

import re

import pytest

from ari_app.ari import errors
from ari_app.ari.errors import AriError, error_for
from ari_app.errors import AppError


@pytest.mark.parametrize(
    ("status", "message", "kind", "slug"),
    [
        (404, "Channel not found", errors.Gone, "gone"),
        (409, "Channel not in Stasis application", errors.NotInStasis, "not_in_stasis"),
        (422, "Channel not in Stasis application", errors.NotInStasis, "not_in_stasis"),
        (409, "Channel with given unique ID already exists", errors.Conflict, "conflict"),
        (409, "", errors.Conflict, "conflict"),
        (412, "Channel in invalid state", errors.InvalidState, "invalid_state"),
        (422, "Event source does not exist", errors.Unprocessable, "unprocessable"),
        (400, "Missing parameter app", errors.BadRequest, "bad_request"),
        (401, "Authentication required", errors.Unauthorized, "unauthorized"),
        (403, "Unsupported channel type", errors.Unauthorized, "unauthorized"),
        (405, "Invalid method", errors.Refused, "ari_refused"),
        (500, "Allocation failed", errors.ServerFault, "server_fault"),
        (503, "Asterisk not booted", errors.ServerFault, "server_fault"),
    ],
)
def test_by_status(status: int, message: str, kind: type[AriError], slug: str) -> None:
    error = error_for(status, message, operation="channels.x", method="POST", path="/channels/c?secret=1")
    assert type(error) is kind
    assert error.slug == slug
    assert (error.status, error.operation, error.method) == (status, "channels.x", "POST")
    assert error.path == "/channels/c"
    assert "secret" not in str(error)
    assert str(status) in str(error)
    assert isinstance(error, AppError)
    assert error.detail == (message or "The id is taken, or the thing is busy with something that excludes this.")


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    have = {n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, AriError)}
    assert set(drawn) == have
    slugs = [getattr(errors, name).slug for name in have]
    assert len(set(slugs)) == len(slugs)
