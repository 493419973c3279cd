"""The prompts of all accounts, in memory: which file is played where a setting, or we, name a sound.

A prompt is played wherever its name stands: for the message of a queue's opening hours or of an overflow, and in place
of a sound of Asterisk's own (`queue-youarenext`, for one). Asterisk fetches the file over HTTP, under an address that
cannot be guessed and ends; it keeps it while the address is the same, which is for a day.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from ari_app.clock import Clock
from ari_app.config import Settings, networks
from ari_app.errors import ConfigError
from ari_app.media.tts.cache import SpeechCache
from ari_app.media.tts.configured import engines
from ari_app.media.tts.errors import EngineMissing
from ari_app.media.tts.synthesiser import USUAL, Synthesiser
from ari_app.media.wav import wav_of
from ari_app.ops.addresses import Guard
from ari_app.prompts.decoder import Decoder
from ari_app.prompts.fetch import Fetcher
from ari_app.prompts.finder import SCHEMES as FOUND
from ari_app.prompts.finder import SoundFinder
from ari_app.prompts.sound import Convert, in_a_thread, seconds_of
from ari_app.store.database import Database
from ari_app.store.prompts import Prompt, PromptData, Prompts

#: where Asterisk fetches files, on our HTTP server
PATH = "/sounds/"
_DAY = 86_400
#: of a checksum, and of the proof that we made the address: 128 bits
_DIGITS = 32
_TOKEN = re.compile(rf"([0-9a-f]{{64}})-([0-9a-f]{{1,10}})-([0-9a-f]{{{_DIGITS}}})\.wav\Z")


def prompt_book(settings: Settings, database: Database, clock: Clock) -> PromptBook:
    """As the application has it: engines as the settings name them, files in the data directory. Raises ConfigError."""
    folder = settings.data_dir
    try:
        speakers = engines(settings.speech_engines.get_secret_value())
    except ValueError as error:
        raise ConfigError(f"cannot use the setting SPEECH_ENGINES: {error}") from None
    synthesiser = Synthesiser(speakers, cache=SpeechCache(folder / "speech"))
    fetcher = Fetcher(Guard(networks(settings.prompt_networks), setting="PROMPT_NETWORKS"))
    allowed = [Path(part.strip()) for part in settings.prompt_dirs.split(",") if part.strip()]
    decoder = Decoder(clock)
    finder = SoundFinder(folder / "found-sounds", fetcher, clock, allowed, convert=decoder.to_wav)
    prompts, root = Prompts(database, clock), folder / "prompts"
    return PromptBook(prompts, synthesiser, root, settings.sounds(), clock, finder, decoder)


class PromptBook:
    """`load` before the first call. All that changes something raises StoreUnavailable, OSError."""

    def __init__(
        self,
        prompts: Prompts,
        synthesiser: Synthesiser,
        root: Path,
        url: str,
        clock: Clock,
        finder: SoundFinder | None = None,
        decoder: Decoder | None = None,
    ) -> None:
        """root: directory of the files. url: how Asterisk reaches our HTTP server, without a slash at the end.
        finder: of sounds that are no prompts; without it there are none. decoder: reads what is sent; without it a
        thread of ours does."""
        self.prompts = prompts
        self._synthesiser = synthesiser
        self._root = root
        self._url = url
        self._clock = clock
        self._finder = finder
        self._decoder = decoder
        self._convert: Convert = in_a_thread if decoder is None else decoder.to_wav
        self._secret = secrets.token_bytes(32)
        #: account -> name -> language -> checksum
        self._known: dict[int, dict[str, dict[str, str]]] = {}
        #: what is written, or deleted, is by one at a time
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Learn what there is. Raises StoreUnavailable, OSError."""
        await asyncio.to_thread(self._root.mkdir, parents=True, exist_ok=True)
        if self._finder is not None:
            await asyncio.to_thread(self._finder.prepare)
        for prompt in await self.prompts.all():
            self._keep(prompt)

    def _keep(self, prompt: Prompt) -> None:
        self._known.setdefault(prompt.account, {}).setdefault(prompt.name, {})[prompt.language] = prompt.checksum

    async def close(self) -> None:
        """End what is being spoken, found or read."""
        await self._synthesiser.close()
        if self._finder is not None:
            await self._finder.close()
        if self._decoder is not None:
            await self._decoder.close()

    # playing

    async def sound(self, account: int, uri: str, language: str) -> str:
        """What Asterisk is to play for a media URI, also one of those that are found elsewhere (finder.py).

        Raises:
            SoundUnavailable: it is found elsewhere, and cannot be had.
        """
        if self._finder is None or uri.partition(":")[0] not in FOUND:
            return self.media(account, uri, language)
        return f"sound:{self._url}{PATH}{self.token(await self._finder.find(uri))}"

    async def speech(self, text: str, engine: str, voice: str | None) -> AsyncIterator[str]:
        """What Asterisk is to play for a text, sentence by sentence as they are spoken; "" and None are the usual
        engine and its own voice.

        Raises:
            SpeechError, OSError
        """
        if self._finder is None:
            raise EngineMissing("there is no place for what is spoken")
        async for samples in self._synthesiser.stream(text, engine=engine or USUAL, voice=voice):
            yield f"sound:{self._url}{PATH}{self.token(await self._finder.keep(samples))}"

    def check_speech(self, text: str, engine: str, voice: str | None) -> None:
        """Whether `speech` can be asked for it. Raises SpeechError."""
        self._synthesiser.check(text, engine=engine or USUAL, voice=voice)

    def media(self, account: int, uri: str, language: str) -> str:
        """What Asterisk is to play for a media URI: a prompt, in the language or in none, or what the URI says."""
        scheme, _, name = uri.partition(":")
        languages = self._known.get(account, {}).get(name) if scheme == "sound" else None
        if not languages:
            return uri
        checksum = languages.get(language) or languages.get(language.partition("-")[0]) or languages.get("")
        return uri if checksum is None else f"sound:{self._url}{PATH}{self.token(checksum)}"

    def has(self, account: int, name: str) -> bool:
        """Whether there is a prompt of that name, in whatever language."""
        return bool(self._known.get(account, {}).get(name))

    def token(self, checksum: str) -> str:
        """The name of a file in an address; the same for the rest of the day, and good for a day more."""
        expires = f"{(int(self._clock.now()) // _DAY + 2) * _DAY:x}"
        return f"{checksum}-{expires}-{self._proof(checksum, expires)}.wav"

    def _proof(self, checksum: str, expires: str) -> str:
        return hmac.new(self._secret, f"{checksum}-{expires}".encode(), "sha256").hexdigest()[:_DIGITS]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The aiohttp handler of PATH{token}: 404 for what we did not name, or not lately."""
        found = _TOKEN.match(request.match_info["token"])
        if found is None:
            raise web.HTTPNotFound
        checksum, expires, proof = found.groups()
        good = hmac.compare_digest(proof, self._proof(checksum, expires))
        if not good or int(expires, 16) <= self._clock.now():
            raise web.HTTPNotFound
        path = await asyncio.to_thread(self._existing, checksum)
        if path is None:
            raise web.HTTPNotFound
        headers = {"Content-Type": "audio/wav", "Cache-Control": f"private, max-age={_DAY}"}
        return web.FileResponse(path, headers=headers)

    def _existing(self, checksum: str) -> Path | None:
        places = [self.path(checksum), *([self._finder.path(checksum)] if self._finder else [])]
        return next((path for path in places if path.is_file()), None)

    def path(self, checksum: str) -> Path:
        """Where a prompt's file is."""
        return self._root / f"{checksum}.wav"

    # changing

    async def put_file(self, account: int, name: str, language: str, data: bytes, bare: str | None = None) -> None:
        """A prompt that was recorded; in place of one of that name and language. bare: as `to_wav` has it.

        Raises:
            NotASound, OSError
        """
        await self._put(account, name, language, await self._convert(data, bare))

    async def put_text(self, account: int, name: str, language: str, text: str, engine: str, voice: str | None) -> None:
        """A prompt that is spoken by an engine; in place of one of that name and language.

        Raises:
            SpeechError
        """
        wav = wav_of(await self._synthesiser.speak(text, engine=engine, voice=voice))
        await self._put(account, name, language, wav, text, engine, voice)

    async def _put(
        self,
        account: int,
        name: str,
        language: str,
        wav: bytes,
        text: str | None = None,
        engine: str | None = None,
        voice: str | None = None,
    ) -> None:
        checksum = hashlib.sha256(wav).hexdigest()
        data = PromptData(
            text=text, engine=engine, voice=voice, checksum=checksum, size=len(wav), length=seconds_of(wav)
        )
        async with self._changing:
            await asyncio.to_thread(self._write, checksum, wav)
            before = self._known.get(account, {}).get(name, {}).get(language)
            self._keep(await self.prompts.put(account, name, language, data))
            await self._forget(before)

    def _write(self, checksum: str, wav: bytes) -> None:
        unfinished = self._root / f"{secrets.token_hex(8)}.part"
        try:
            unfinished.write_bytes(wav)
            unfinished.replace(self.path(checksum))
        finally:
            unfinished.unlink(missing_ok=True)

    async def delete(self, account: int, name: str, language: str) -> None:
        """Forget a prompt. Raises NotFound."""
        async with self._changing:
            await self.prompts.delete(account, name, language)
            languages = self._known.get(account, {}).get(name, {})
            before = languages.pop(language, None)
            if not languages:
                self._known.get(account, {}).pop(name, None)
            await self._forget(before)

    async def _forget(self, checksum: str | None) -> None:
        """Delete a file that no prompt is any more."""
        used = (one for names in self._known.values() for languages in names.values() for one in languages.values())
        if checksum is not None and checksum not in used:
            await asyncio.to_thread(self.path(checksum).unlink, missing_ok=True)
