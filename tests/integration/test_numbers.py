"""Numbers as a real Asterisk says them, language by language: the same sounds in the same order as ours."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from ari_app.calls.numbers import Gender, sounds
from tests.harness.asterisk import Asterisk
from tests.harness.patience import PATIENCE

#: says numbers one after the other; Asterisk logs the name of each sound, as it has none of these
SAY = """
[numbers]
exten => s,1,Answer()
 same => n,Set(CHANNEL(language)=${LANG})
 same => n,Log(WARNING,BEGIN ${LANG} ${GENDER})
 same => n,Set(LEFT=${NUMBERS})
 same => n,While($["${SET(NUMBER=${SHIFT(LEFT,:)})}" != ""])
 same => n,Log(WARNING,SAY ${NUMBER})
 same => n,SayNumber(${NUMBER}${GENDER})
 same => n,EndWhile()
 same => n,Log(WARNING,DONE)
 same => n,Hangup()
exten => hold,1,Answer()
 same => n,Wait(600)
"""
LOGGED = re.compile(r"BEGIN (\S+) ?(\S*)|SAY (-?\d+)|File (\S+) does not exist|Playing '([^'.]+)\.|(DONE)")
NUMBERS = sorted(
    {
        *range(1, 40),
        *(tens + ones for tens in range(40, 100, 10) for ones in (0, 1, 2, 5, 8, 9)),
        *(hundreds + rest for hundreds in range(100, 1000, 200) for rest in (0, 1, 11, 21, 71, 95)),
        *(1000 * thousands + rest for thousands in (1, 2, 5, 11, 21, 22, 100, 101, 999) for rest in (0, 1, 100, 121)),
        *(1_000_000 * millions + rest for millions in (1, 2, 5, 11, 21, 121) for rest in (0, 1, 1000, 2121)),
        -1,
        -21,
    }
)
#: British rules say the same as American ones, and "and"; English ones end at the first sound that is not there
SPOKEN: list[tuple[str, Gender]] = [
    ("en_GB", ""),
    *((language, gender) for language in ("de", "es", "fr", "ru") for gender in ("", "m", "f", "n")),  # type: ignore[misc]
    ("it", ""),
]


@pytest.fixture
async def pbx(start_asterisk: Any, tmp_path: Path) -> Asterisk:
    tmp_path.chmod(0o755)
    made: Asterisk = await start_asterisk(
        "numbers", extra={"extensions.conf": SAY}, volumes={str(tmp_path): "/usr/share/asterisk/sounds/en"}
    )
    return made


async def test_numbers_are_said_as_asterisk_says_them(pbx: Asterisk) -> None:
    for count, (language, gender) in enumerate(SPOKEN, 1):
        variables = {"LANG": language, "GENDER": f",{gender}" if gender else "", "NUMBERS": ":".join(map(str, NUMBERS))}
        where = {"endpoint": "Local/hold@numbers", "context": "numbers", "extension": "s", "priority": 1}
        await pbx.ari.post("/channels", **where, body={"variables": variables})
        async with asyncio.timeout(PATIENCE):
            while (await pbx.logs()).count("DONE") < count:
                await asyncio.sleep(0.3)
    said: dict[tuple[str, str, int], list[str]] = {}
    now: tuple[str, str] = ("", "")
    names: list[str] = []
    for language, gender, number, missing, played, done in LOGGED.findall(await pbx.logs()):
        if language:
            now = (language, gender.removeprefix(","))
        elif number:
            names = said[*now, int(number)] = []
        elif not done:
            names.append(missing or played)
    assert len(said) == len(SPOKEN) * len(NUMBERS)
    wrong = {key: (ours, theirs) for key, theirs in said.items() if (ours := sounds(key[2], key[0], key[1])) != theirs}  # type: ignore[arg-type]
    assert not wrong
