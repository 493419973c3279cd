"""The tree of errors: each has a slug of its own, a message that says something, and is drawn where it belongs."""

from __future__ import annotations

import pytest

from ari_app import errors
from ari_app.ari import errors as ari_errors
from ari_app.calls.leg import LegGone
from ari_app.calls.verbs.play import BadMedia
from ari_app.calls.verbs.record import RecordingFailed


def tree(kind: type[errors.AppError]) -> list[type[errors.AppError]]:
    return [kind, *(found for below in kind.__subclasses__() for found in tree(below))]


OURS = [kind for kind in tree(errors.AppError) if kind.__module__.startswith("ari_app.")]


def test_slugs_are_stable_names_of_one_error_each() -> None:
    slugs = [kind.slug for kind in OURS]
    assert len(slugs) == len(set(slugs))
    assert all(slug.isidentifier() and slug == slug.lower() for slug in slugs)
    assert {LegGone, BadMedia, RecordingFailed} <= set(OURS)


@pytest.mark.parametrize("module", [errors, ari_errors])
def test_the_tree_is_drawn_in_the_docstring(module: object) -> None:
    for kind in OURS:
        if kind.__module__ == module.__name__:  # type: ignore[attr-defined]
            assert kind.__name__ in (module.__doc__ or "")


def test_without_words_of_its_own_it_says_what_it_is() -> None:
    assert str(errors.ConfigError()) == "A setting is missing or wrong."
    assert str(errors.ConfigError("ARI_URL is not set")) == "ARI_URL is not set"
    assert errors.NotFound("no such queue", queue="500").context == {"queue": "500"}


def test_what_state_does_not_allow() -> None:
    assert issubclass(errors.NotSignedIn, errors.CommandRefused)
    assert issubclass(LegGone, errors.CommandRefused)
    assert not issubclass(errors.NotFound, errors.CommandRefused)


def test_an_error_of_asterisk_names_what_was_asked() -> None:
    error = ari_errors.Gone("Channel not found", operation="channels.get", method="GET", path="/channels/1", status=404)
    assert str(error) == "channels.get (GET /channels/1): 404 Channel not found"
    assert error.detail == "Channel not found"
