"""A telephone that calls, and knows when sound came: RTP on a socket of its own, with the kernel's times.

    with RtpPhone("127.1.2.3") as phone:
        await phone.call("300", pbx.sip)
        ...
        phone.first(after=began)

No more of SIP than one call over UDP needs. It sends no audio.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import struct
import threading
import time

from tests.harness.net import SIP_PORT
from tests.harness.patience import PATIENCE

_SO_TIMESTAMPNS = 35
_HEADER = 12
#: the two zeros of mu-law
_ZEROS = b"\xff\x7f"
#: mu-law without its sign, turned round: steps of sound above which it is no noise of a conversion
_QUIET = 16
_STATUS = re.compile(rb"SIP/2\.0 (\d{3})")
_TO = re.compile(rb"^(?:To|t): *(.*?)\r?$", re.MULTILINE | re.IGNORECASE)


class RtpPhone:
    """At an address of its own."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._rtp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._rtp.bind((address, 0))
        self._rtp.settimeout(0.2)
        self._sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sip.bind((address, SIP_PORT))
        self._sip.setblocking(False)
        #: when packets came, seconds of the epoch; and those with sound
        self._packets: list[float] = []
        self._sounds: list[float] = []
        self._came = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._read, name="rtp", daemon=True)
        self._identity, self._tag = secrets.token_hex(8), secrets.token_hex(4)
        self._target, self._to = "", ""

    def __enter__(self) -> RtpPhone:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join()
        self._rtp.close()
        self._sip.close()

    async def call(self, number: str, sip: str) -> None:
        """Call it, and wait until it is answered. Raises TimeoutError; RuntimeError: it was refused."""
        self._target = f"sip:{number}@{sip}"
        self._to = f"<{self._target}>"
        host, _, port = sip.partition(":")
        self._sip.connect((host, int(port)))
        offer = (
            f"v=0\r\no=- 1 1 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\nt=0 0\r\n"
            f"m=audio {self._rtp.getsockname()[1]} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
        )
        self._send("INVITE", 1, offer)
        async with asyncio.timeout(PATIENCE):
            while True:
                reply = await asyncio.get_running_loop().sock_recv(self._sip, 65536)
                status = _STATUS.match(reply)
                if status is None or int(status[1]) < 200:
                    continue
                to = _TO.search(reply)
                self._to = to[1].decode() if to else self._to
                self._send("ACK", 1)
                if int(status[1]) >= 300:
                    raise RuntimeError(f"{number} answered {status[1].decode()}")
                return

    def hang_up(self) -> None:
        """End the call."""
        self._send("BYE", 2)

    def _send(self, method: str, number: int, body: str = "") -> None:
        contact = f"<sip:phone@{self.address}:{SIP_PORT}>"
        lines = [
            f"{method} {self._target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address}:{SIP_PORT};rport;branch=z9hG4bK{secrets.token_hex(6)}",
            "Max-Forwards: 70",
            f"From: <sip:0301234567@{self.address}>;tag={self._tag}",
            f"To: {self._to}",
            f"Call-ID: {self._identity}",
            f"CSeq: {number} {method}",
            f"Contact: {contact}",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self._sip.send(("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def _read(self) -> None:
        while not self._stopping:
            try:
                data, ancillary, _, _ = self._rtp.recvmsg(2048, 64)
            except TimeoutError:
                continue
            if len(data) <= _HEADER or data[1] & 0x7F != 0:
                continue
            (_, _, stamp) = ancillary[0]
            seconds, nanoseconds = struct.unpack("qq", stamp)
            at = seconds + nanoseconds / 1e9
            with self._came:
                self._packets.append(at)
                if _loud(data[_HEADER:]):
                    self._sounds.append(at)
                    self._came.notify_all()

    def first(self, *, after: float, within: float = PATIENCE) -> tuple[float, float]:
        """When the first packet, and the first with sound, came after that moment; blocks until they have. Raises
        TimeoutError."""
        end = time.monotonic() + within
        with self._came:
            while not self._sounds or self._sounds[-1] <= after:
                if not self._came.wait(end - time.monotonic()):
                    raise TimeoutError(f"nothing was heard within {within:g} s")
            packet, sound = (next(at for at in came if at > after) for came in (self._packets, self._sounds))
            return packet, sound


def _loud(ulaw: bytes) -> bool:
    return any((~sample & 0x7F) > _QUIET for sample in ulaw.translate(None, _ZEROS))
