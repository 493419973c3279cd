"""Each folder here is a case; see golden.py."""

from pathlib import Path

import pytest

from tests.dialects.eq import golden
from tests.dialects.eq.world import World

FOLDERS = sorted(path.parent for path in Path(__file__).parent.glob("*/case.json"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_case(world: World, folder: Path) -> None:
    await golden.run(world, folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_says_what_it_proves(folder: Path) -> None:
    assert all(isinstance(sentence, str) and sentence for sentence in golden.load(folder, "case.json")["proves"])
    assert golden.load(folder, "case.json")["proves"]
