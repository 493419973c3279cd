"""Which events of live media are posted, and for how long it is tried."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from ari_app.clock import ManualClock
from ari_app.config import Settings
from ari_app.hooks.events import EVENT, TOO_OLD, EventHook, event_types
from ari_app.store.outbox import Message


class Kept:
    """An outbox, as far as it is asked; and what was posted."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, str, str]] = []
        self.posted: list[str] = []

    def add(self, account: int, kind: str, target: str, body: str) -> str:
        self.messages.append((account, kind, target, body))
        return "out-1"

    async def post(self, message: Message) -> None:
        self.posted.append(message.id)


def hook(kept: Kept, types: str = "") -> EventHook:
    return EventHook(kept, ManualClock(), "https://example.org/e", event_types(types), kept.post)  # type: ignore[arg-type]


def test_an_event_is_a_message_of_its_account() -> None:
    kept = Kept()
    hook(kept).tell(2, "PlaybackEnded", {"at": 1.5, "playback": "playback-1", "reason": "done"})
    ((account, kind, target, body),) = kept.messages
    assert (account, kind, target) == (2, EVENT, "https://example.org/e")
    assert json.loads(body) == {
        "event": "PlaybackEnded",
        "account": 2,
        "at": 1.5,
        "playback": "playback-1",
        "reason": "done",
    }


@pytest.mark.parametrize(
    ("types", "wanted", "unwanted"),
    [
        ("", ["AnalysisFound", "QuestionAnswered", "AttachmentEnded"], ["RecognitionPartial", "CallerEntered"]),
        ("Recognition", ["RecognitionResult"], ["RecognitionPartial", "PlaybackEnded"]),
        (" RecognitionPartial, Playback,", ["RecognitionPartial", "PlaybackItem"], ["RecognitionResult"]),
    ],
)
def test_which_are_posted(types: str, wanted: list[str], unwanted: list[str]) -> None:
    found = hook(Kept(), types)
    assert [name for name in [*wanted, *unwanted] if found.wants(name)] == wanted


@pytest.mark.parametrize("types", ["CallerEntered", "Recognition Result", "Playback;", "Recognition2"])
def test_types_that_cannot_be(types: str) -> None:
    with pytest.raises(ValidationError, match="types of events"):
        Settings(event_types=types)


async def test_what_is_too_old_is_not_posted() -> None:
    kept = Kept()
    events = hook(kept)
    now = ManualClock().now()
    for id, age in (("new", 60.0), ("old", TOO_OLD + 1)):
        await events.deliver(
            Message(id=id, account=1, kind=EVENT, target="", body="{}", created_at=now - age, attempts=1)
        )
    assert kept.posted == ["new"]
