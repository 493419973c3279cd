"""The setting of speech engines: what it may say, and that what it says speaks."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from ari_app.media.tts.configured import described, engines, secrets_of
from ari_app.media.tts.errors import EngineMissing, SynthesisFailed, UnknownVoice
from ari_app.media.tts.services import Polly, Watson
from ari_app.media.tts.synthesiser import Synthesiser
from tests.harness import audio

#: programs that need nothing but a shell and sox: they beep as their voice says, if they are told "hello"
BEEP = "cat %s | grep -q hello && sox -n -r 16000 -c 1 -b 16 {sound} synth 0.5 sine {voice}"
ARGUMENTS = 'test "$1" = hello && sox -n -r 8000 -c 1 "$2" synth 0.5 sine "$3"'
POLLY = {"kind": "polly", "region": "eu-west-1", "access_key": "a", "secret_key": "hunter2"}


def command(*words: str, **more: Any) -> dict[str, Any]:
    return {"kind": "command", "command": list(words), "voice": "440", "voices": "[0-9]{3}", **more}


@pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
@pytest.mark.parametrize(
    "how",
    [
        command("sh", "-c", BEEP % "{text}"),
        command("sh", "-c", BEEP % "-", stdin=True),
        command("sh", "-c", ARGUMENTS, "sh", "{words}", "{sound}", "{voice}"),
    ],
    ids=["a file", "standard input", "an argument"],
)  # fmt: skip
async def test_any_program_speaks(how: dict[str, Any]) -> None:
    synthesiser = Synthesiser(engines(json.dumps({"beeper": how})))
    for voice, hertz in ((None, 440), ("660", 660)):
        samples = audio.from_pcm(await synthesiser.speak("hello", engine="beeper", voice=voice))
        assert len(samples) == pytest.approx(4000, abs=50)
        assert audio.level(samples[800:3200], hertz) > -20
    with pytest.raises(UnknownVoice):
        await synthesiser.speak("hello", engine="beeper", voice="$(id)")
    with pytest.raises(SynthesisFailed):
        await synthesiser.speak("goodbye", engine="beeper")
    await synthesiser.close()


@pytest.mark.skipif(shutil.which("sox") is None, reason="sox is not installed")
async def test_a_text_is_no_option_of_a_program() -> None:
    """pico2wave, for one, would write a file wherever "-w" says."""
    refuses = 'case "$1" in -*) exit 1;; *) sox -n -r 8000 -c 1 "$2" synth 0.5 sine 440;; esac'
    how = command("sh", "-c", refuses, "sh", "{words}", "{sound}")
    synthesiser = Synthesiser(engines(json.dumps({"careful": how})))
    for text in ("-w/tmp/anything", "--help", "- hello"):
        assert await synthesiser.speak(text, engine="careful")
    await synthesiser.close()


async def test_what_is_not_installed_is_told() -> None:
    synthesiser = Synthesiser(engines(json.dumps({"piper": command("no-such-piper", "{text}", "{sound}")})))
    with pytest.raises(EngineMissing, match="no-such-piper is not installed"):
        await synthesiser.speak("hello", engine="piper")


def test_services_and_those_that_are_always_there() -> None:
    text = json.dumps({"polly": POLLY, "watson": {"kind": "watson", "url": "https://w.example/x", "key": "hunter2"}})
    made = {engine.name: engine for engine in engines(text)}
    assert set(made) == {"flite", "espeak-ng", "festival", "polly", "watson"}
    assert isinstance(made["polly"], Polly)
    assert isinstance(made["watson"], Watson)
    assert [engine.name for engine in engines("")] == ["flite", "espeak-ng", "festival"]
    (own,) = (
        engine for engine in engines(json.dumps({"flite": command("x", "{text}", "{sound}")})) if engine.name == "flite"
    )
    assert own.default_voice == "440"


def test_what_must_not_be_in_a_log() -> None:
    watson = {"kind": "watson", "url": "https://w.example/x", "key": "swordfish"}
    text = json.dumps({"polly": POLLY, "watson": watson, "a": command("x", "{text}", "{sound}")})
    assert secrets_of(text) == ["hunter2", "swordfish"]
    assert secrets_of("{") == secrets_of("") == []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"a": 1}',
        '{"a": {"kind": "hunter2"}}',
        *(
            json.dumps({name: one})
            for name, one in [
                ("Polly", POLLY),
                ("", POLLY),
                ("polly", POLLY | {"secret_key": 5}),
                ("polly", POLLY | {"access_key": ""}),
                ("polly", POLLY | {"pasword": "hunter2"}),
                ("polly", POLLY | {"url": "ftp://hunter2"}),
                ("watson", {"kind": "watson", "url": "", "key": "hunter2"} | {"url": "https://a b"}),
                ("a", command()),
                ("a", command("x")),
                ("a", command("x", "{sound}")),
                ("a", command("x", "{sound}", "{text}", "{hunter2}")),
                ("a", command("x", "{sound}", "{text}", "{")),
                ("a", command("x", "{sound}", "{text}", "{0.hunter2}")),
                ("a", command("x", "{sound}", "{text}", voices="(")),
            ]
        ),
    ],
)
def test_what_cannot_be_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as caught:
        described(text)
    assert "hunter2" not in str(caught.value)
