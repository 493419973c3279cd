"""A bot that waits for words, and beeps when one is said: `python keyword_bot.py --port 9000 billing "new contract"`,
then attach ws://<its machine>:9000/ to a call, with "format": "slin16".

It needs the packages websockets and pocketsphinx (English), and is written for chan_websocket of Asterisk as much as
for ari_app: both speak the same protocol. docs/media-bots.md describes it, docs/speech.md what pocketsphinx can do.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import math
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pocketsphinx import Decoder, Endpointer
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

RATE = 16_000
#: seconds of silence on either side of what is given to the decoder, as its models expect it
PADDING = bytes(RATE)
#: how much likelier a keyword must be than other sounds: larger finds less, and less that was not said
THRESHOLD = "1e-20"
BEEP = b"".join(struct.pack("<h", round(8000 * math.sin(2 * math.pi * 1000 * n / RATE))) for n in range(RATE // 2))


class Spotter:
    """Finds keywords in pieces of speech. Raises ValueError for one that it cannot find."""

    def __init__(self, keywords: list[str]) -> None:
        self._decoder = Decoder(samprate=RATE, lm=None, loglevel="FATAL", cmn="batch")
        for word in {word for keyword in keywords for word in keyword.split()}:
            if self._decoder.lookup_word(word) is None:
                raise ValueError(f"not in the dictionary: {word}")
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "keywords")
            path.write_text("".join(f"{keyword} /{THRESHOLD}/\n" for keyword in keywords))
            self._decoder.add_kws("keywords", str(path))
        self._decoder.activate_search("keywords")

    def spotted(self, speech: bytes) -> list[str]:
        """Those in a piece, in the order in which they were said; 20 ms of work for a second of speech, in which the
        interpreter does nothing else. A bot for more than a few calls gives it to processes."""
        self._decoder.start_utt()
        self._decoder.process_raw(PADDING + speech + PADDING, False, True)
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return []
        return [one.word.strip() for one in sorted(self._decoder.seg(), key=lambda one: one.start_frame)]


class Ear:
    """Cuts pieces of speech out of what comes."""

    def __init__(self) -> None:
        self._endpointer = Endpointer(sample_rate=RATE)
        self._rest = b""
        self._speech = b""

    def hear(self, samples: bytes) -> Iterator[bytes]:
        """The pieces that end with this."""
        self._rest += samples
        size = self._endpointer.frame_bytes
        while len(self._rest) >= size:
            frame, self._rest = self._rest[:size], self._rest[size:]
            speech = self._endpointer.process(frame)
            if speech is not None:
                self._speech += speech
                if not self._endpointer.in_speech:
                    yield self._speech
                    self._speech = b""


async def listen(connection: ServerConnection, spotter: Spotter) -> None:
    """One attachment, until the call or the bot ends it."""
    ear = Ear()
    try:
        async for message in connection:
            if isinstance(message, bytes):
                for speech in ear.hear(message):
                    found = spotter.spotted(speech)
                    for keyword in found:
                        print(f"heard: {keyword}", flush=True)
                    if found:
                        await connection.send(BEEP)
                continue
            event = json.loads(message)
            if event.get("event") == "MEDIA_START":
                if event["format"] != "slin16":
                    print('it must be attached with "format": "slin16"', flush=True)
                    break
                print(f"{event['connection_id']}: begins", flush=True)
    except ConnectionClosed:
        pass
    print("it has ended", flush=True)


async def main(host: str, port: int, keywords: list[str]) -> None:
    spotter = Spotter(keywords)
    handler = functools.partial(listen, spotter=spotter)
    async with serve(handler, host, port, subprotocols=[Subprotocol("media")], compression=None) as server:
        for socket in server.sockets:
            print("listening on {}:{}".format(*socket.getsockname()[:2]), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000, help="0: any that is free")
    parser.add_argument("keyword", nargs="+", help="what is waited for: small letters, words of the dictionary")
    given = parser.parse_args()
    try:
        asyncio.run(main(given.host, given.port, given.keyword))
    except ValueError as error:
        parser.error(str(error))
