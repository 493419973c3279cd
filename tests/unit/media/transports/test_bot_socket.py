"""A user's websocket, over real sockets: what it is told, and what becomes of one that is slow, gone, or a liar."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from ari_app.clock import ManualClock
from ari_app.media.frames import FRAME_BYTES, Frame
from ari_app.media.transports import bot_socket
from ari_app.media.transports.bot_socket import PATIENCE, BotSocket, connect_to_bot
from ari_app.media.transports.chan_websocket import MAX_MESSAGE, Event
from ari_app.media.transports.pacing import Ticker
from ari_app.media.transports.port import Direction

HOST = "127.0.0.1"
FRAME = b"\1\0" * (FRAME_BYTES // 2)


class Owner:
    """Who uses the bot's websocket."""

    def __init__(self) -> None:
        self.got: list[Frame] = []
        self.reasons: list[str] = []
        self.asked: list[str] = []

    def frames(self, frames: Sequence[Frame]) -> None:
        self.got += frames

    def ended(self, reason: str) -> None:
        self.reasons.append(reason)

    def flush(self) -> None:
        self.asked.append("flush")

    def report_drained(self) -> None:
        self.asked.append("report drained")


class Bot:
    """The user's side."""

    def __init__(self) -> None:
        self.messages: list[bytes | str] = []
        self.reads = True
        self.connection: ServerConnection
        self.here = asyncio.Event()
        self.gone = asyncio.Event()
        self.port = 0

    async def serve(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.here.set()
        if not self.reads:
            await self.gone.wait()
            return
        with suppress(ConnectionClosed):
            async for message in connection:
                self.messages.append(message)
        self.gone.set()

    @property
    def audio(self) -> bytes:
        return b"".join(message for message in self.messages if isinstance(message, bytes))

    @property
    def told(self) -> list[Any]:
        return [json.loads(message) for message in self.messages if isinstance(message, str)]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def connected(
    bot: Bot, direction: Direction = Direction.BOTH, format: str = "slin"
) -> AsyncIterator[tuple[BotSocket, Owner]]:
    subprotocols = [Subprotocol("media")]
    async with serve(
        bot.serve, HOST, 0, subprotocols=subprotocols, compression=None, max_queue=1, close_timeout=0.1
    ) as server:
        bot.port = next(iter(server.sockets)).getsockname()[1]
        owner = Owner()
        made = BotSocket(owner, ticker=Ticker(ManualClock()), direction=direction, format=format)
        # the name is none that resolves: the address is what counts
        await connect_to_bot(made, f"ws://bot.invalid:{bot.port}/path", HOST, bot.port)
        await asyncio.wait_for(bot.here.wait(), 20)
        try:
            yield made, owner
        finally:
            bot.gone.set()
            made.close("the test is over")


async def test_what_it_is_told_and_hears() -> None:
    bot = Bot()
    async with connected(bot) as (made, owner):
        made.begin(connection_id="attachment-1", channel="PJSIP/1001-1")
        assert made.say(FRAME * 2) == 2 * FRAME_BYTES
        made.throttle(True)
        made.throttle(False)
        await until(lambda: len(bot.messages) == 4)
        assert bot.connection.request is not None
        assert bot.connection.request.headers["Host"] == f"bot.invalid:{bot.port}"
        assert bot.told == [
            {
                "event": "MEDIA_START",
                "format": "slin",
                "optimal_frame_size": 320,
                "ptime": 20,
                "connection_id": "attachment-1",
                "channel": "PJSIP/1001-1",
            },
            {"event": "MEDIA_XOFF"},
            {"event": "MEDIA_XON"},
        ]
        assert bot.audio == FRAME * 2
        await bot.connection.send(FRAME[:100])
        await bot.connection.send(FRAME[100:] + FRAME)
        await until(lambda: len(owner.got) == 2)
        assert owner.got == [FRAME, FRAME]
        made.close("stopped")
        await asyncio.wait_for(bot.gone.wait(), 20)
        assert bot.connection.close_code == 1000
        assert owner.reasons == ["stopped"]


async def test_what_it_asks_for() -> None:
    bot = Bot()
    async with connected(bot) as (made, owner):
        for command in ("FLUSH_MEDIA", "REPORT_QUEUE_DRAINED", "GET_STATUS", "OF_NEXT_YEAR", "HANGUP"):
            await bot.connection.send(json.dumps({"command": command}))
        await until(lambda: owner.reasons)
        assert owner.asked == ["flush", "report drained"]
        assert owner.reasons == ["the target has hung up"]
        await asyncio.wait_for(bot.gone.wait(), 20)
        assert [each["event"] for each in bot.told] == ["STATUS"]
        assert made.traffic().refused == 0


async def test_sixteen_kilohertz_both_ways() -> None:
    """In two pieces for each frame; what is counted is frames of 20 ms."""
    bot = Bot()
    async with connected(bot, format="slin16") as (made, owner):
        made.begin()
        assert made.say(FRAME * 2) == 2 * FRAME_BYTES
        await until(lambda: len(bot.audio) == 2 * FRAME_BYTES)
        assert bot.told[0]["optimal_frame_size"] == 640
        assert bot.audio == FRAME * 2
        await bot.connection.send(FRAME * 3)
        await bot.connection.send(FRAME)
        await until(lambda: len(owner.got) == 4)
        assert (made.traffic().frames_in, made.traffic().frames_out) == (2, 1)


async def test_one_that_only_speaks_is_sent_no_audio_and_one_that_only_listens_is_not_heard() -> None:
    bot = Bot()
    async with connected(bot, Direction.SPEAK) as (_, owner):
        await bot.connection.send(FRAME)
        await bot.connection.send(json.dumps({"command": "HANGUP"}))
        await until(lambda: owner.reasons)
        assert owner.got == []


async def test_one_that_does_not_read_misses_it_and_little_is_held() -> None:
    bot = Bot()
    bot.reads = False
    async with connected(bot) as (made, owner):
        for _ in range(200_000):
            made.say(FRAME)
            if made.unread > 1000:
                break
            await asyncio.sleep(0)
        assert made.unread > 1000
        assert made.say(FRAME) == 0
        assert owner.reasons == []
        made.close("too slow")  # at once: it would not read that either
        assert owner.reasons == ["too slow"]


@pytest.mark.parametrize("nonsense", ["MEDIA_START", "[]", FRAME[:-1]])
async def test_what_nobody_understands_is_counted_and_ends_it(nonsense: bytes | str) -> None:
    bot = Bot()
    async with connected(bot) as (made, owner):
        for _ in range(PATIENCE - 1):
            await bot.connection.send(nonsense)
        await bot.connection.send(FRAME)
        await until(lambda: owner.got)
        assert (made.traffic().refused, owner.reasons) == (PATIENCE - 1, [])
        await bot.connection.send(nonsense)
        await until(lambda: owner.reasons)
        assert "not understood" in owner.reasons[0]
        await asyncio.wait_for(bot.gone.wait(), 20)
        assert bot.connection.close_code == 1002


async def test_a_message_that_is_too_long_ends_it() -> None:
    bot = Bot()
    async with connected(bot) as (_, owner):
        await bot.connection.send(bytes(MAX_MESSAGE + 1))
        await until(lambda: owner.reasons)
        assert owner.got == []
        await asyncio.wait_for(bot.gone.wait(), 20)
        assert bot.connection.close_code == 1009


async def test_it_goes_away() -> None:
    bot = Bot()
    async with connected(bot) as (made, owner):
        bot.connection.transport.abort()
        await until(lambda: owner.reasons)
        assert made.over
        assert made.say(FRAME) == 0
        made.tell(Event.XOFF)
        made.hold(True)
        assert len(owner.reasons) == 1


async def test_nobody_is_there() -> None:
    async with serve(lambda connection: connection.wait_closed(), HOST, 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
    owner = Owner()
    made = BotSocket(owner, ticker=Ticker(ManualClock()), direction=Direction.BOTH)
    with pytest.raises(ConnectionError):
        await connect_to_bot(made, f"ws://{HOST}:{port}/", HOST, port)
    assert "cannot connect" in owner.reasons[0]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0" * 100_000,
    ],
)
async def test_something_else_is_there(answer: bytes) -> None:
    """No websocket, or one that sends us elsewhere: nobody is followed."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        with suppress(ConnectionError):
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(respond, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    owner = Owner()
    made = BotSocket(owner, ticker=Ticker(ManualClock()), direction=Direction.BOTH)
    with pytest.raises(ConnectionError):
        await connect_to_bot(made, f"ws://{HOST}:{port}/", HOST, port)
    assert len(owner.reasons) == 1
    server.close()


# wss


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


class Authority:
    """A certificate authority of our own, trusted by who reads its file, and certificates by it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of our own")])
        self.certificate = folder / "authority.pem"
        self._write(self.certificate, self._sign(self._name, self._key.public_key(), None))

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, host: str | None) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
            # Python 3.13 takes no certificate without these (RFC 5280, VERIFY_X509_STRICT)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(_usage(authority=host is None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, host: str) -> ssl.SSLContext:
        """What a server of that name shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        path, key_path = self._folder / "server.pem", self._folder / "server.key"
        self._write(path, self._sign(name, key.public_key(), host))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path, key_path)
        return context


@pytest.mark.parametrize(
    ("shown", "trusted", "refused"),
    [
        ("bot.example", True, ""),
        ("other.example", True, "Hostname mismatch"),
        ("bot.example", False, "certificate verify failed"),
    ],
    ids=["its own", "of another name", "of an authority that nobody trusts"],
)
async def test_the_certificate_of_a_bot_is_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, trusted: bool, refused: str
) -> None:
    """By its name, also where the connection goes to an address; against what the machine trusts (SSL_CERT_FILE)."""
    authority = Authority(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    monkeypatch.setattr(bot_socket, "_trusted", ssl.create_default_context)  # read anew
    heard: asyncio.Queue[bytes | str] = asyncio.Queue()

    async def hear(connection: ServerConnection) -> None:
        async for message in connection:
            heard.put_nowait(message)

    async with serve(hear, HOST, 0, ssl=authority.server(shown), subprotocols=[Subprotocol("media")]) as server:
        (listening,) = server.sockets
        port = listening.getsockname()[1]
        owner = Owner()
        made = BotSocket(owner, ticker=Ticker(ManualClock()), direction=Direction.BOTH)
        if refused:
            with pytest.raises(ConnectionError, match=refused):
                await connect_to_bot(made, f"wss://bot.example:{port}/", HOST, port)
            assert made.over
            return
        await connect_to_bot(made, f"wss://bot.example:{port}/", HOST, port)
        assert made.say(FRAME) == FRAME_BYTES
        assert await asyncio.wait_for(heard.get(), 20) == FRAME
        made.close("the test is over")
