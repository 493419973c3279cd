"""Prompts: what is made of files, what is played for a name, and who gets a file."""

from __future__ import annotations

import asyncio
import contextlib
import io
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from ari_app.clock import ManualClock
from ari_app.config import Settings
from ari_app.errors import ConfigError
from ari_app.media.frames import RATE
from ari_app.media.tts.synthesiser import Synthesiser
from ari_app.prompts.book import PATH, PromptBook, prompt_book
from ari_app.prompts.sound import NotASound, seconds_of, to_wav
from ari_app.store import migrate
from ari_app.store.accounts import Accounts
from ari_app.store.database import Database
from ari_app.store.prompts import Prompts
from tests.harness import audio

DAY = 86_400


def tone(hertz: int, *, rate: int = 44_100, form: str = "WAV", seconds: float = 0.5, channels: int = 2) -> bytes:
    """A file of a tone at half of what is possible."""
    samples = np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * hertz / rate).astype(np.float32) / 2
    file = io.BytesIO()
    soundfile.write(file, np.column_stack([samples] * channels), rate, format=form)
    return file.getvalue()


def samples_of(wav: bytes) -> audio.Samples:
    found, rate = soundfile.read(io.BytesIO(wav), dtype="int16")
    assert rate == RATE
    return audio.from_pcm(found.astype("<i2").tobytes())


@pytest.mark.parametrize("form", ["WAV", "MP3", "OGG", "FLAC", "AIFF"])
@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
def test_every_kind_of_file_becomes_the_same(form: str, rate: int) -> None:
    wav = to_wav(tone(440, rate=rate, form=form))
    info = soundfile.info(io.BytesIO(wav))
    assert (info.format, info.subtype, info.samplerate, info.channels) == ("WAV", "PCM_16", 8000, 1)
    assert seconds_of(wav) == pytest.approx(0.5, abs=0.12)  # MP3 has frames of its own
    middle = samples_of(wav)[800:3200]
    assert audio.hears(middle, 440)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_opus_too(rate: int) -> None:
    samples = np.sin(np.arange(rate) * 2 * np.pi * 440 / rate) / 2
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="OGG", subtype="OPUS")
    middle = samples_of(to_wav(file.getvalue()))[1600:6400]
    assert audio.hears(middle, 440)
    assert audio.level(middle, 440) == pytest.approx(-6, abs=1)


def test_what_a_telephone_cannot_hold_is_filtered_out() -> None:
    """Not folded back: 5 kHz would be heard as 3 kHz."""
    assert np.abs(samples_of(to_wav(tone(5000)))[800:3200]).max() < 0.01


def test_a_file_is_read_by_blocks() -> None:
    assert seconds_of(to_wav(tone(440, rate=48_000, seconds=20, channels=1))) == pytest.approx(20, abs=0.01)
    with pytest.raises(NotASound, match="longer than 600 s"):
        to_wav(tone(440, rate=4000, seconds=601, channels=1))


def test_samples_that_are_no_numbers_are_taken_for_some() -> None:
    file = io.BytesIO()
    strange = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, 0.5] * 800, dtype=np.float32)
    soundfile.write(file, strange, RATE, format="WAV", subtype="FLOAT")
    assert seconds_of(to_wav(file.getvalue())) == pytest.approx(0.6, abs=0.01)


@settings(deadline=None, max_examples=100, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=300), st.sampled_from(["WAV", "OGG", "FLAC", "MP3"]), st.integers(0, 2000))
def test_no_file_does_harm(junk: bytes, form: str, at: int) -> None:
    good = tone(440, rate=8000, form=form, seconds=0.1)
    for data in (junk, good[:at], good[:at] + junk + good[at + len(junk) :]):
        with contextlib.suppress(NotASound):
            assert seconds_of(to_wav(data)) <= 600


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "template.sqlite"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path


class Shop:
    """A book over a database, as often as processes start."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.clock = ManualClock()

    async def open(self) -> PromptBook:
        prompts = Prompts(self.database, self.clock)
        book = PromptBook(prompts, Synthesiser(), self.folder, "http://pbx:8080", self.clock)
        await book.load()
        return book


@pytest.fixture
async def shop(migrated: Path, tmp_path: Path) -> AsyncIterator[Shop]:
    shutil.copy(migrated, tmp_path / "test.sqlite")
    database = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    await database.start()
    yield Shop(database, tmp_path / "prompts")
    await database.close()


@pytest.mark.parametrize("text", ["{", '{"polly": {"kind": "polly", "region": "hunter2"}}'])
async def test_engines_that_cannot_be_are_told_at_the_start(shop: Shop, tmp_path: Path, text: str) -> None:
    wrong = Settings(data_dir=tmp_path, speech_engines=SecretStr(text))
    with pytest.raises(ConfigError, match="SPEECH_ENGINES") as caught:
        prompt_book(wrong, shop.database, shop.clock)
    assert "hunter2" not in str(caught.value)


async def test_what_is_played_for_a_name(shop: Shop) -> None:
    book = await shop.open()
    other = await Accounts(shop.database, shop.clock).create("other")
    for language, hertz in (("", 440), ("de", 660), ("de-at", 880)):
        await book.put_file(1, "closed", language, tone(hertz))
    await book.put_file(1, "only-english", "en", tone(440))
    for one in (book, await shop.open()):  # also after a restart
        played = {language: one.media(1, "sound:closed", language) for language in ("", "en", "de", "de-at", "de-ch")}
        assert played["en"] == played[""]
        assert played["de-ch"] == played["de"]
        assert len(set(played.values())) == 3
        assert all(uri.startswith("sound:http://pbx:8080/sounds/") and uri.endswith(".wav") for uri in played.values())
        for uri in ("number:closed", "sound:vm-goodbye", "tone:busy", "sound:"):
            assert one.media(1, uri, "en") == uri
        assert one.media(other, "sound:closed", "en") == "sound:closed"
        assert one.media(1, "sound:only-english", "fr") == "sound:only-english"


@pytest.mark.parametrize(
    ("bare", "encoding"), [("ulaw", "ULAW"), ("alaw", "ALAW"), ("sln", "PCM_16"), ("vox", "VOX_ADPCM")]
)
async def test_a_file_without_a_header_is_what_is_said_of_it(shop: Shop, bare: str, encoding: str) -> None:
    file = io.BytesIO()
    samples = np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000) / 2
    soundfile.write(file, samples, 8000, format="RAW", subtype=encoding, endian="LITTLE")
    book = await shop.open()
    await book.put_file(1, "bare", "", file.getvalue(), bare)
    (kept,) = shop.folder.glob("*.wav")
    heard = samples_of(kept.read_bytes())
    assert len(heard) == 8000
    assert audio.hears(heard[800:7200], 440)
    # a header counts for more than what was said; and without either there is no sound
    await book.put_file(1, "bare", "", tone(660), bare)
    (kept,) = shop.folder.glob("*.wav")
    assert audio.hears(samples_of(kept.read_bytes())[800:3200], 660)
    with pytest.raises(NotASound):
        await book.put_file(1, "bare", "", file.getvalue())


async def test_files_go_with_the_last_prompt_that_is_them(shop: Shop) -> None:
    book = await shop.open()
    await book.put_file(1, "a", "", tone(440))
    await book.put_file(1, "b", "", tone(440))
    (file,) = shop.folder.iterdir()
    await book.put_file(1, "a", "", tone(660))
    assert {path.name for path in shop.folder.iterdir()} > {file.name}
    await book.delete(1, "b", "")
    (left,) = shop.folder.iterdir()
    assert left != file
    await book.put_file(1, "a", "", tone(660))  # the same again
    assert list(shop.folder.iterdir()) == [left]
    assert book.media(1, "sound:b", "") == "sound:b"


async def test_a_file_is_given_out_under_the_address_we_made_for_a_day_or_two(shop: Shop) -> None:
    book = await shop.open()
    await book.put_file(1, "a", "", tone(440))
    app = web.Application()
    app.router.add_get(f"{PATH}{{token}}", book.serve)
    (file,) = shop.folder.iterdir()
    async with TestClient(TestServer(app)) as client:

        async def get(token: str) -> tuple[int, bytes]:
            async with client.get(f"{PATH}{token}") as reply:
                return reply.status, await reply.read()

        token = book.token(file.stem)
        assert await get(token) == (200, file.read_bytes())
        async with client.get(f"{PATH}{token}", headers={"Range": "bytes=0-3"}) as reply:
            assert (reply.status, await reply.read()) == (206, b"RIFF")
        async with client.head(f"{PATH}{token}") as reply:
            assert (reply.status, int(reply.headers["Content-Length"])) == (200, file.stat().st_size)
        assert book.media(1, "sound:a", "") == f"sound:http://pbx:8080{PATH}{token}"
        checksum, expires, proof = token.removesuffix(".wav").split("-")
        later = f"{int(expires, 16) + DAY:x}"
        for forged in (
            f"{checksum}.wav",
            f"{checksum}-{later}-{proof}.wav",
            f"{checksum}-{expires}-{'0' * len(proof)}.wav",
            f"{'0' * 64}-{expires}-{proof}.wav",
            "..%2F..%2Fetc%2Fpasswd",
        ):
            assert (await get(forged))[0] == 404, forged
        shop.clock.advance(DAY)
        assert (await get(token))[0] == 200
        assert book.token(file.stem) != token
        shop.clock.advance(DAY)
        assert (await get(token))[0] == 404
        assert (await get(book.token(file.stem)))[0] == 200
        file.unlink()
        assert (await get(book.token(file.stem)))[0] == 404
    assert (await shop.open()).token(file.stem) != book.token(file.stem)  # each process has a secret of its own


@pytest.mark.skipif(not shutil.which("flite"), reason="flite is not installed")
async def test_a_text_is_spoken(shop: Shop) -> None:
    book = await shop.open()
    await book.put_text(1, "closed", "", "We are closed today. Please call again tomorrow.", "flite", None)
    (prompt,) = await book.prompts.of_account(1)
    assert (prompt.text, prompt.engine, prompt.voice) == (
        "We are closed today. Please call again tomorrow.",
        "flite",
        None,
    )
    assert 1.5 < prompt.length < 8
    assert np.abs(samples_of(book.path(prompt.checksum).read_bytes())).max() > 0.1
