"""Mailboxes are tested on a database of their own, as recordings are."""

from tests.unit.recordings.conftest import clock, migrated, writer

__all__ = ["clock", "migrated", "writer"]
