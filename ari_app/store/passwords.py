"""Passwords of users: argon2id, away from the event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ari_app.store.thread import OneThread


@cache
def shared_passwords() -> Passwords:
    """The one of the process: one thread, whoever asks."""
    return Passwords()


class Passwords:
    """Hashes and checks. The default is RFC 9106's second recommendation: 64 MiB, and about 90 ms of two cores; one at
    a time, so that many sign-ins at once take neither the memory nor the cores that calls need."""

    def __init__(self, *, time_cost: int = 3, memory_cost: int = 65536, parallelism: int = 4) -> None:
        """memory_cost: KiB."""
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=parallelism)
        self._thread = OneThread("passwords")
        self._nobody: str | None = None
        #: hashes that will be asked for: by password, one for each time
        self._prepared: dict[str, list[str]] = {}

    async def hash(self, plain: str) -> str:
        """argon2's own encoded form."""
        ready = self._prepared.get(plain)
        if ready:
            return ready.pop()
        return await self._thread.call(self._hash, plain)

    @asynccontextmanager
    async def prepared(self, plains: Iterable[str]) -> AsyncIterator[None]:
        """Hash passwords beforehand that are set inside the block, each time they are set: a transaction that sets many
        should not take as long as hashing them does."""
        mine: dict[str, list[str]] = {}
        for plain in plains:
            mine.setdefault(plain, []).append(await self._thread.call(self._hash, plain))
        for plain, hashes in mine.items():
            self._prepared.setdefault(plain, []).extend(hashes)
        try:
            yield
        finally:
            for plain in mine:
                self._prepared.pop(plain, None)

    async def check(self, plain: str, hashed: str | None) -> bool:
        """Whether it is the one; takes as long when there is none to compare with."""
        return await self._thread.call(self._check, plain, hashed)

    def _hash(self, plain: str) -> str:
        # surrogates: what JSON may bring and UTF-8 has no form for
        return self._hasher.hash(plain.encode("utf-8", "surrogatepass"))

    def _check(self, plain: str, hashed: str | None) -> bool:
        if self._nobody is None:
            self._nobody = self._hash("")
        try:
            self._hasher.verify(hashed or self._nobody, plain.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None
