"""A file that is somewhere else, given out in whole or in part (RFC 9110, 14): what aiohttp does for one on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from ari_app.errors import AppError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """An answer of bytes that come from elsewhere."""

    #: bytes
    size: int
    #: of all of it; without quotes
    etag: str
    #: gives so many bytes from there on, in pieces
    read: Callable[[int, int], AsyncIterator[bytes]]
    headers: dict[str, str] = field(default_factory=dict)


async def stream(request: web.Request, answer: Streamed) -> web.StreamResponse:
    """Send what is asked for: 200, 206, 304 or 416. What fails on the way is cut off: the length was told before, so
    nobody takes what he has for all of it."""
    tag = f'"{answer.etag}"'
    headers = {**answer.headers, "ETag": tag, "Accept-Ranges": "bytes"}
    if any(known.value in (answer.etag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers={name: headers[name] for name in ("ETag", "Cache-Control")})
    start, end = 0, answer.size
    if request.headers.get("If-Range", tag) == tag:
        try:
            start, end = _range(request, answer.size)
        except ValueError:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{answer.size}"})
    partial = end - start < answer.size
    response = web.StreamResponse(status=206 if partial else 200, headers=headers)
    response.content_length = end - start
    if partial:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{answer.size}"
    pieces = answer.read(start, end - start) if end > start else None
    first = await anext(pieces, b"") if pieces is not None else b""  # what fails now can still be answered as an error
    await response.prepare(request)
    await response.write(first)
    if pieces is not None:
        try:
            async for piece in pieces:
                await response.write(piece)
        except (AppError, OSError) as error:
            log.error("= file cut off on the way", path=request.path, error=str(error) or type(error).__name__)
            if request.transport is not None:
                request.transport.abort()
            return response
    await response.write_eof()
    return response


def _range(request: web.Request, size: int) -> tuple[int, int]:
    """Where what is asked for begins and ends. Raises ValueError: there is no such range."""
    wanted = request.http_range
    if wanted.start is None and wanted.stop is None:
        return 0, size
    start, end, _ = wanted.indices(size)
    if start >= end:
        raise ValueError
    return start, end
