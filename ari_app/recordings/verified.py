"""A file is what was stored: its SHA-256 is looked at while it is read, so that it is read once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from ari_app.recordings.s3 import StorageUnavailable

_BLOCK = 1024 * 1024


class Damaged(StorageUnavailable):
    """The file is not what was stored: it was changed, cut short, or its storage has failed."""

    slug = "damaged"


async def verified(pieces: AsyncIterator[bytes], checksum: str) -> AsyncIterator[bytes]:
    """All pieces of a file, as they are. The last one is held back until it is known that they have that SHA-256, in
    hexadecimal: whoever has all of it has what was stored.

    Raises:
        Damaged, and what the pieces raise.
    """
    digest, held = hashlib.sha256(), b""
    async for piece in pieces:
        if held:
            yield held
        held = piece
        await asyncio.to_thread(digest.update, piece)
    if digest.hexdigest() != checksum:
        raise Damaged("the file is not what was stored: it has another SHA-256", checksum=checksum)
    if held:
        yield held


def require_undamaged(path: Path, checksum: str) -> None:
    """As `verified`, of a file that something else reads. Belongs in a thread.

    Raises:
        Damaged, OSError
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != checksum:
        raise Damaged("the file is not what was stored: it has another SHA-256", checksum=checksum)
