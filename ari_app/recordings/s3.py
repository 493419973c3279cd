"""Files of recordings in a bucket that speaks Amazon's S3: Amazon's own, MinIO, Ceph, Garage and the like."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ari_app.config import Settings
from ari_app.errors import AppError, ConfigError, NotFound

T = TypeVar("T")

#: name of this storage in the record
S3 = "s3"
#: seconds to connect, and between two pieces of an answer
CONNECT_LIMIT, READ_LIMIT = 5.0, 30.0
#: bytes of a part of a large upload; S3 takes 10,000 parts, and none smaller than this
PART = 16 * 1024 * 1024
_BLOCK = 256 * 1024
#: connections at most
_CONNECTIONS = 8
#: where the SHA-256 of an object is kept, with it
_CHECKSUM = "sha256"
_ABSENT = ("NoSuchKey", "NoSuchObject", "ResourceNotFound")


class StorageUnavailable(AppError):
    """The storage does not answer, or refuses."""

    slug = "storage_unavailable"


class S3Storage:
    """One bucket. The library works in threads; a download is read piece by piece."""

    def __init__(self, settings: Settings) -> None:
        """Raises:
        ConfigError: the library is not there, or a setting is wrong.
        """
        try:
            import minio
            import urllib3
        except ImportError:
            raise ConfigError("S3_URL needs the library of the extra s3: pip install ari-app[s3]") from None
        place = urlsplit(settings.s3_url)
        if not settings.s3_bucket:
            raise ConfigError("S3_URL is set, and S3_BUCKET is not")
        self._minio, self._urllib3 = minio, urllib3
        self.bucket = settings.s3_bucket
        self._prefix = settings.s3_prefix.strip("/")
        timeout = urllib3.Timeout(connect=CONNECT_LIMIT, read=READ_LIMIT)
        pool = urllib3.PoolManager(timeout=timeout, maxsize=_CONNECTIONS, retries=urllib3.Retry(total=1))
        try:
            self._client = minio.Minio(
                endpoint=place.netloc,
                access_key=settings.s3_access_key,
                secret_key=settings.s3_secret_key.get_secret_value(),
                region=settings.s3_region,
                secure=place.scheme == "https",
                http_client=pool,
            )
        except ValueError as error:
            raise ConfigError(f"S3_URL cannot be used: {error}") from None

    def _name(self, key: str) -> str:
        return f"{self._prefix}/{key}" if self._prefix else key

    def where(self, key: str) -> str:
        """An object's address."""
        return f"s3://{self.bucket}/{self._name(key)}"

    async def put(self, path: Path, key: str, size: int, checksum: str) -> None:
        """Copy a file there. On return the storage has said that it has all of it.

        Raises:
            StorageUnavailable; OSError: the file cannot be read.
        """
        name = self._name(key)
        metadata: Any = {_CHECKSUM: checksum}
        await self._ask(
            lambda: self._client.fput_object(
                self.bucket, name, str(path), content_type="audio/wav", metadata=metadata, part_size=PART
            )
        )
        found = await self._ask(lambda: self._client.stat_object(self.bucket, name))
        kept = {str(name).lower(): value for name, value in (found.metadata or {}).items()}
        if found.size != size or kept.get(f"x-amz-meta-{_CHECKSUM}") != checksum:
            raise StorageUnavailable(f"the storage has {found.size} bytes of {size}", key=key)

    async def size(self, key: str) -> int:
        """Bytes of an object.

        Raises:
            NotFound, StorageUnavailable
        """
        found = await self._ask(lambda: self._client.stat_object(self.bucket, self._name(key)))
        return int(found.size or 0)

    async def read(self, key: str, start: int, length: int) -> AsyncIterator[bytes]:
        """Some of an object's bytes, in pieces.

        Raises:
            NotFound, StorageUnavailable
        """
        name = self._name(key)
        reply = await self._ask(lambda: self._client.get_object(self.bucket, name, offset=start, length=length))
        try:
            while block := await self._ask(lambda: reply.read(_BLOCK)):
                yield block
        finally:
            reply.close()
            reply.release_conn()

    async def delete(self, key: str) -> None:
        """Delete an object; nothing if it is gone. Raises StorageUnavailable."""
        await self._ask(lambda: self._client.remove_object(self.bucket, self._name(key)))

    async def _ask(self, request: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(request)
        except self._minio.error.S3Error as error:
            if error.code in _ABSENT:
                raise NotFound("no such object") from None
            raise StorageUnavailable(f"{error.code}: {error.message}") from None
        except (self._minio.error.MinioException, self._urllib3.exceptions.HTTPError) as error:
            raise StorageUnavailable(f"{type(error).__name__}: {error}") from None
