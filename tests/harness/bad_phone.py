"""A SIP phone behind a bad network: it calls over the trunk, loses and delays what it sends, and reports (RTCP) that it
has not got all that it was sent. It knows what it did."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import secrets
import struct
from collections.abc import AsyncIterator
from typing import Any

from ari_app.media import g711
from ari_app.media.frames import FRAME_MS, FRAME_SAMPLES, RATE
from ari_app.media.transports.rtp import PCMU, Packet, build, parse
from tests.harness import audio
from tests.harness.patience import PATIENCE

_SENDER_REPORT, _RECEIVER_REPORT = 200, 201
#: our report: version and one block, its length in words; who we are; about whom, of 256ths and altogether lost, the
#: highest number, jitter, when the last report of theirs was sent and how long ago it came (RFC 3550, 6.4.2)
_REPORT = struct.Struct("!BBHIIIIIII")


class BadPhone:
    """One call. G.711 u-law, 20 ms."""

    def __init__(
        self,
        pbx: str,
        number: str,
        *,
        address: str,
        loss: float = 0.0,
        jitter: float = 0.0,
        claims: float = 0.0,
        claims_jitter: float = 0.0,
        hz: int = 440,
        seed: int = 1,
    ) -> None:
        """pbx: its SIP address, host:port. address: of this phone. loss: the part of its packets that is lost.
        jitter: seconds by which a packet is delayed at most, evenly spread. claims: the part of Asterisk's packets that
        it says was lost; claims_jitter: of them, in seconds."""
        host, port = pbx.rsplit(":", 1)
        self._pbx = (host, int(port))
        self._number, self._address = number, address
        self._loss, self._jitter = loss, jitter
        self._claims, self._claimed_jitter = claims, claims_jitter
        self._chance = random.Random(seed)
        payload = g711.ulaw_encode(audio.to_pcm(audio.sine(hz, 1.0)))
        self._payloads = [payload[at : at + FRAME_SAMPLES] for at in range(0, len(payload), FRAME_SAMPLES)]
        self._call, self._tag, self._branch = (secrets.token_hex(8) for _ in range(3))
        self._to = ""
        self._ssrc = secrets.randbits(31)
        self._media: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        self._sockets: dict[str, asyncio.DatagramTransport] = {}
        self.ended = asyncio.Event()
        #: a report of Asterisk's was answered by one of ours: the round trip is known to it
        self.reported = asyncio.Event()
        #: packets that were sent, with the lost ones; and how many were lost
        self.sent = self.lost = 0
        self._seen: list[int] = []  # sequence numbers of what Asterisk sends
        #: of Asterisk's packets, those that the last report said were lost
        self.claimed = 0

    @property
    def heard(self) -> int:
        """Packets of Asterisk's that have come."""
        return len(self._seen)

    async def call(self) -> None:
        """Returns when it is answered, and the tone has begun."""
        loop = asyncio.get_running_loop()
        for name, heard in (("sip", self._on_sip), ("rtp", self._on_rtp), ("rtcp", self._on_rtcp)):
            # by RFC 3550 reports go to the port after that of the audio
            port = self._port("rtp") + 1 if name == "rtcp" else 0
            protocol = _Socket(heard)
            transport, _ = await loop.create_datagram_endpoint(
                lambda protocol=protocol: protocol, local_addr=(self._address, port)
            )
            self._sockets[name] = transport
        self._send("INVITE", 1, self._sdp())
        async with asyncio.timeout(PATIENCE):
            await self._media

    async def hang_up(self) -> None:
        """Returns when that was answered."""
        self._send("BYE", 2)
        async with asyncio.timeout(PATIENCE):
            await self.ended.wait()

    async def talk(self, packets: int) -> None:
        """Send so many, 20 ms each."""
        loop = asyncio.get_running_loop()
        target = await self._media
        start = loop.time()
        for number in range(packets):
            sequence = self.sent + number
            if number and self._chance.random() < self._loss:
                self.lost += 1
            else:
                data = build(
                    Packet(
                        PCMU,
                        sequence % 65536,
                        sequence * FRAME_SAMPLES,
                        self._ssrc,
                        self._payloads[sequence % len(self._payloads)],
                    )
                )
                loop.call_later(self._chance.uniform(0, self._jitter), self._sockets["rtp"].sendto, data, target)
            await asyncio.sleep(max(0.0, start + (number + 1) * FRAME_MS / 1000 - loop.time()))
        self.sent += packets
        # what is delayed is still on its way
        await asyncio.sleep(self._jitter)

    def close(self) -> None:
        for transport in self._sockets.values():
            transport.close()

    # what it says

    def _port(self, name: str) -> int:
        return int(self._sockets[name].get_extra_info("sockname")[1])

    def _sdp(self) -> str:
        where = f"IN IP4 {self._address}"
        port = self._port("rtp")
        lines = ("v=0", f"o=- 1 1 {where}", "s=-", f"c={where}", "t=0 0", f"m=audio {port} RTP/AVP 0", "a=ptime:20")
        return "".join(f"{line}\r\n" for line in lines)

    def _send(self, method: str, number: int, body: str = "") -> None:
        here = f"{self._address}:{self._port('sip')}"
        uri = f"sip:{self._number}@{self._pbx[0]}:{self._pbx[1]}"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{self._branch}{method}{number}",
            f"From: <sip:0301234567@{here}>;tag={self._tag}",
            self._to or f"To: <{uri}>",
            f"Call-ID: {self._call}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:phone@{here}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._sockets["sip"].sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self._pbx)

    # what comes

    def _on_sip(self, data: bytes, source: tuple[str, int]) -> None:
        text = data.decode()
        if text.startswith("BYE "):
            kept = [line for line in text.split("\r\n") if re.match(r"(?i)(via|from|to|call-id|cseq):", line)]
            answer = "\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0"]) + "\r\n\r\n"
            self._sockets["sip"].sendto(answer.encode(), source)
            self.ended.set()
        elif re.match(r"SIP/2.0 200 .*\r\n(?s:.*)CSeq: 1 INVITE", text):
            self._to = next(line for line in text.split("\r\n") if line.lower().startswith("to:"))
            self._send("ACK", 1)
            host, port = re.search(r"c=IN IP4 (\S+)", text), re.search(r"m=audio (\d+) ", text)
            assert host is not None
            assert port is not None
            if not self._media.done():
                self._media.set_result((host[1], int(port[1])))
        elif re.match(r"SIP/2.0 200 .*\r\n(?s:.*)CSeq: 2 BYE", text):
            self.ended.set()

    def _on_rtp(self, data: bytes, source: tuple[str, int]) -> None:
        packet = parse(data)
        if packet is not None:
            self._seen.append(packet.sequence)

    def _on_rtcp(self, data: bytes, source: tuple[str, int]) -> None:
        if len(data) < 28 or data[1] != _SENDER_REPORT or not self._seen:
            return
        theirs, seconds, fraction = struct.unpack_from("!III", data, 4)
        self.claimed = round(self._claims * len(self._seen))
        middle = (seconds << 16 | fraction >> 16) & 0xFFFFFFFF
        report = _REPORT.pack(
            0x81,
            _RECEIVER_REPORT,
            _REPORT.size // 4 - 1,
            self._ssrc,
            theirs,
            round(self._claims * 256) << 24 | self.claimed,
            max(self._seen),
            round(self._claimed_jitter * RATE),
            middle,
            0,
        )
        self._sockets["rtcp"].sendto(report, source)
        self.reported.set()


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, heard: Any) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._heard(data, (addr[0], addr[1]))


@contextlib.asynccontextmanager
async def a_bad_phone(*arguments: Any, **options: Any) -> AsyncIterator[BadPhone]:
    """One that is answered."""
    phone = BadPhone(*arguments, **options)
    try:
        await phone.call()
        yield phone
    finally:
        phone.close()
