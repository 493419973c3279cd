"""A plain ARI client for the harness, so that what is tested is not tested with itself."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.harness.patience import PATIENCE

Event = dict[str, Any]


class AriError(Exception):
    """Asterisk refused a request: `status` is the HTTP status, the text says what was asked and answered."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Ari:
    """REST requests to one Asterisk and, after `listen`, its events.

    Use as an async context manager, or call `close`.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Ari":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=PATIENCE))
        return self._session

    async def request(self, method: str, path: str, *, body: Any = None, **params: Any) -> Any:
        """Decoded JSON, bytes for a file, or None where there is no content. Raises AriError.

        `path` is below /ari, with its leading slash. Parameters that are None are left out.
        """
        query = {name: str(value) for name, value in params.items() if value is not None}
        async with self.session.request(method, self.url + path, params=query, json=body) as response:
            payload = await response.read()
            if response.status >= 400:
                raise AriError(response.status, f"{method} {path} {query}: {response.status} {payload.decode()}")
            if response.content_type == "application/json":
                return json.loads(payload) if payload else None
            return payload or None

    async def get(self, path: str, **params: Any) -> Any:
        return await self.request("GET", path, **params)

    async def post(self, path: str, *, body: Any = None, **params: Any) -> Any:
        return await self.request("POST", path, body=body, **params)

    async def put(self, path: str, *, body: Any = None, **params: Any) -> Any:
        return await self.request("PUT", path, body=body, **params)

    async def delete(self, path: str, **params: Any) -> Any:
        return await self.request("DELETE", path, **params)

    async def listen(self, app: str, on_event: Callable[[Event], None]) -> None:
        """Registers the Stasis application and calls `on_event` with each of its events, in order."""
        self._socket = await self.session.ws_connect(f"{self.url}/events", params={"app": app}, heartbeat=PATIENCE)
        self._reader = asyncio.create_task(self._read(self._socket, on_event))

    @staticmethod
    async def _read(socket: aiohttp.ClientWebSocketResponse, on_event: Callable[[Event], None]) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                on_event(json.loads(message.data))

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader
        if self._session is not None:
            await self._session.close()
        self._socket = self._reader = self._session = None

    async def configure(self, kind: str, name: str, fields: dict[str, str]) -> None:
        """Creates or changes an object of res_pjsip's dynamic configuration, such as an endpoint."""
        body = {"fields": [{"attribute": attribute, "value": value} for attribute, value in fields.items()]}
        await self.put(f"/asterisk/config/dynamic/res_pjsip/{kind}/{name}", body=body)
