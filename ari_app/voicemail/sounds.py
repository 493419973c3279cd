"""How Asterisk fetches the sound of a message: over HTTP, under an address that nobody can guess and that ends soon."""

from __future__ import annotations

import hmac
import re
import secrets

from aiohttp import web

from ari_app.clock import Clock
from ari_app.errors import NotFound, StoreUnavailable
from ari_app.recordings.library import Library
from ari_app.recordings.s3 import StorageUnavailable

#: where, on our HTTP server
PATH = "/voicemail/"
#: seconds for which an address is good: longer than somebody hesitates between two keys
GOOD_FOR = 3600
_TOKEN = re.compile(r"([A-Za-z0-9_.-]{1,200})-([0-9a-f]{1,10})-([0-9a-f]{32})\.wav\Z")


class MessageSounds:
    """Of all mailboxes."""

    def __init__(self, library: Library, url: str, clock: Clock) -> None:
        """url: how Asterisk reaches our HTTP server, without a slash at the end."""
        self._library = library
        self._url = url
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def media(self, recording: str) -> str:
        """The media URI that plays a recording."""
        expires = f"{int(self._clock.now()) + GOOD_FOR:x}"
        return f"sound:{self._url}{PATH}{recording}-{expires}-{self._proof(recording, expires)}.wav"

    def _proof(self, recording: str, expires: str) -> str:
        return hmac.new(self._secret, f"{recording}-{expires}".encode(), "sha256").hexdigest()[:32]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The aiohttp handler of PATH{token}: 404 for what we did not name, or not lately, and what is gone."""
        found = _TOKEN.match(request.match_info["token"])
        if found is None:
            raise web.HTTPNotFound
        recording, expires, proof = found.groups()
        good = hmac.compare_digest(proof, self._proof(recording, expires))
        if not good or int(expires, 16) <= self._clock.now():
            raise web.HTTPNotFound
        headers = {"Content-Type": "audio/wav", "Cache-Control": f"private, max-age={GOOD_FOR}"}
        try:
            entry = await self._library.recordings.find(recording)
            if entry is None:
                raise web.HTTPNotFound
            source = await self._library.content(entry)
            pieces = [piece async for piece in source.read(0, source.size)]
            return web.Response(body=b"".join(pieces), headers=headers)
        except NotFound:
            raise web.HTTPNotFound from None
        except (StoreUnavailable, StorageUnavailable):
            raise web.HTTPServiceUnavailable from None
