"""A SIP phone that registers, is busy for whoever calls, and has a message-waiting light: bytes on a socket, so that
what Asterisk sends is seen as it is."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from types import TracebackType

from tests.harness import net


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Lamp(asyncio.DatagramProtocol):
    """`async with Lamp("1002", "secret", pbx.sip) as phone: await phone.shows("1/0")`."""

    def __init__(self, number: str, secret: str, registrar: str) -> None:
        """registrar: host:port."""
        self.number, self._secret, self._registrar = number, secret, registrar
        self._replies: asyncio.Queue[str] = asyncio.Queue()
        #: bodies of the NOTIFYs that came, the oldest first
        self.notified: list[str] = []
        self._came = asyncio.Event()
        self._transport: asyncio.DatagramTransport

    async def __aenter__(self) -> Lamp:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(net.free_address(), 0), family=socket.AF_INET
        )
        host, port = self._transport.get_extra_info("sockname")[:2]
        self._me = f"{host}:{port}"
        await self._register()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()

    async def _register(self) -> None:
        uri, authorization = f"sip:{self._registrar}", ""
        for sequence in (1, 2):
            text = (
                f"REGISTER {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self._me};branch=z9hG4bK{self.number}{sequence};rport\r\n"
                f"From: <sip:{self.number}@{self._registrar}>;tag=1\r\nTo: <sip:{self.number}@{self._registrar}>\r\n"
                f"Call-ID: {self.number}@{self._me}\r\nCSeq: {sequence} REGISTER\r\n"
                f"Contact: <sip:{self.number}@{self._me}>\r\nMax-Forwards: 70\r\nExpires: 600\r\n"
                f"{authorization}Content-Length: 0\r\n\r\n"
            )
            self._send(text)
            async with asyncio.timeout(20):
                reply = await self._replies.get()
            if sequence == 1:
                authorization = f"Authorization: {self._proof(reply, uri)}\r\n"
        assert reply.startswith("SIP/2.0 200"), reply

    def _proof(self, challenge: str, uri: str) -> str:
        """RFC 2617, 3.2.2."""
        realm, nonce = (re.findall(f'{name}="([^"]*)"', challenge)[0] for name in ("realm", "nonce"))
        response = _md5(
            f"{_md5(f'{self.number}:{realm}:{self._secret}')}:{nonce}:00000001:0a4f113b:auth:{_md5(f'REGISTER:{uri}')}"
        )
        return (
            f'Digest username="{self.number}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}",'
            ' algorithm=MD5, cnonce="0a4f113b", qop=auth, nc=00000001'
        )

    def _send(self, text: str) -> None:
        host, _, port = self._registrar.partition(":")
        self._transport.sendto(text.encode(), (host, int(port)))

    def datagram_received(self, data: bytes, address: object) -> None:
        text = data.decode()
        if text.startswith("SIP/2.0"):
            self._replies.put_nowait(text)
            return
        method = text.partition(" ")[0]
        if method == "NOTIFY":
            self.notified.append(text.partition("\r\n\r\n")[2])
            self._came.set()
        if method != "ACK":
            self._send(self._answer(text, "486 Busy Here" if method == "INVITE" else "200 OK"))

    def _answer(self, request: str, status: str) -> str:
        head = request.partition("\r\n\r\n")[0].split("\r\n")[1:]
        kept = [line for line in head if line.partition(":")[0].lower() in ("via", "from", "call-id", "cseq")]
        to = next(line for line in head if line.lower().startswith("to:"))
        return "\r\n".join([f"SIP/2.0 {status}", *kept, f"{to};tag=2", "Content-Length: 0", "", ""])

    async def shows(self, messages: str, within: float = 30) -> None:
        """Wait until it was told last that so many messages are new and old: "1/0"; the light is on if any is new."""
        wanted = f"Voice-Message: {messages}"
        light = "no" if messages.startswith("0/") else "yes"
        try:
            async with asyncio.timeout(within):
                while not (self.notified and wanted in self.notified[-1]):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise TimeoutError(f"the light does not show {messages} after {within} s: {self.notified}") from None
        assert f"Messages-Waiting: {light}" in self.notified[-1], self.notified[-1]
