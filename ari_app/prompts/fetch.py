"""Sounds of other people's servers: fetched within limits, and for how long the answer holds (RFC 9111)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

import aiohttp

from ari_app.errors import AppError
from ari_app.ops.addresses import Forbidden, Guard

#: bytes of a file, as it is sent
SIZE_LIMIT = 8 * 1024 * 1024
#: seconds for all of it, redirects too
TIME_LIMIT = 20.0
#: redirects that are followed; each is looked at like the first address
REDIRECTS = 3
#: seconds for which an answer holds that says nothing of it, and for which one is held at most
UNSAID, LONGEST = 60.0, 86_400.0
_REDIRECTED = (301, 302, 303, 307, 308)


class FetchFailed(AppError):
    """The sound cannot be had from where it is said to be."""

    slug = "fetch_failed"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a server answered."""

    #: None: what we have is still good (304)
    data: bytes | None
    content_type: str
    #: seconds from now on in which nobody has to ask again
    fresh_for: float
    #: to ask with whether it has changed
    etag: str | None
    modified: str | None


def fresh_for(headers: Mapping[str, str]) -> float:
    """For how many seconds an answer holds; 0: ask each time. RFC 9111, 4.2, as a cache of one user has it."""
    control = _directives(headers.get("Cache-Control", ""))
    if "no-store" in control or "no-cache" in control:
        return 0.0
    age = _number(headers.get("Age", "0")) or 0.0
    if "max-age" in control:
        lifetime = _number(control["max-age"]) or 0.0
    elif "Expires" in headers:
        expires, date = _time(headers["Expires"]), _time(headers.get("Date", ""))
        lifetime = expires - date if expires is not None and date is not None else 0.0
    else:
        modified, date = _time(headers.get("Last-Modified", "")), _time(headers.get("Date", ""))
        lifetime = (date - modified) / 10 if modified is not None and date is not None else UNSAID
    return min(max(lifetime - age, 0.0), LONGEST)


def _directives(text: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in text.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in parts}


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


def _time(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


class Fetcher:
    """Fetches over HTTP and HTTPS from servers that the guard allows."""

    def __init__(self, guard: Guard, *, size_limit: int = SIZE_LIMIT, time_limit: float = TIME_LIMIT) -> None:
        self._guard = guard
        self._size_limit = size_limit
        self._time_limit = time_limit
        self._http = guard.client(
            auto_decompress=False,
            headers={"Accept": "audio/*, */*;q=0.1", "Accept-Encoding": "identity", "User-Agent": "ari-app"},
        )

    async def get(self, url: str, *, etag: str | None = None, modified: str | None = None) -> Fetched:
        """Fetch it. etag, modified: of what we have; then it may be that nothing is sent.

        Raises:
            FetchFailed: not found, not allowed, too large, too slow, or not to be reached.
        """
        asked = {"If-None-Match": etag, "If-Modified-Since": modified}
        headers = {name: value for name, value in asked.items() if value}
        try:
            async with asyncio.timeout(self._time_limit):
                return await self._get(url, headers)
        except Forbidden as error:
            raise FetchFailed(f"not allowed: {error}") from None
        except TimeoutError:
            raise FetchFailed(f"not had within {self._time_limit:g} s") from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, Forbidden):  # a name of such an address
                raise FetchFailed(f"not allowed: {error.os_error}") from None
            raise FetchFailed(f"cannot be fetched: {type(error).__name__}") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchFailed(f"cannot be fetched: {type(error).__name__}") from None

    async def _get(self, url: str, headers: dict[str, str]) -> Fetched:
        for _ in range(REDIRECTS + 1):
            self._guard.check_url(url)
            async with self._http.session().get(url, headers=headers, allow_redirects=False) as reply:
                if reply.status in _REDIRECTED and "Location" in reply.headers:
                    url = urljoin(url, reply.headers["Location"])
                    continue
                return await self._answer(reply)
        raise FetchFailed("redirected too often")

    async def _answer(self, reply: aiohttp.ClientResponse) -> Fetched:
        if reply.status not in (200, 304):
            raise FetchFailed(f"answered {reply.status}")
        data = None if reply.status == 304 else await self._body(reply)
        return Fetched(
            data=data,
            content_type=reply.content_type,
            fresh_for=fresh_for(reply.headers),
            etag=reply.headers.get("ETag"),
            modified=reply.headers.get("Last-Modified"),
        )

    async def _body(self, reply: aiohttp.ClientResponse) -> bytes:
        if (reply.content_length or 0) > self._size_limit:
            raise FetchFailed(f"larger than {self._size_limit} bytes")
        if reply.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise FetchFailed("sent compressed, which nobody asked for")
        pieces, size = [], 0
        async for piece in reply.content.iter_chunked(65_536):
            pieces.append(piece)
            size += len(piece)
            if size > self._size_limit:
                raise FetchFailed(f"larger than {self._size_limit} bytes")
        return b"".join(pieces)

    async def close(self) -> None:
        """Stop."""
        await self._http.close()
