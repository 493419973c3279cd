"""Who is told what of the news of an alert."""

from __future__ import annotations

import msgspec
import pytest

from ari_app.acd.alerts import Kind, News
from ari_app.hooks.notify import CUSTOM, EMAIL, SMS, Notifier
from ari_app.store.alerts import Alert


class Kept:
    """An outbox and the alerts of the store, as far as they are asked."""

    def __init__(self) -> None:
        self.messages: list[tuple[int, str, str, str]] = []
        self.times: list[tuple[int, float]] = []
        self.over: list[int] = []

    def add(self, account: int, kind: str, target: str, body: str) -> str:
        self.messages.append((account, kind, target, body))
        return "out-1"

    def told(self, id: int, at: float) -> None:
        self.times.append((id, at))

    def cleared(self, id: int) -> None:
        self.over.append(id)


def hear(notification: str, what: str, notify: bool = True, url: str = "https://example.org/a") -> Kept:
    kept = Kept()
    alert = Alert(
        id=7,
        user=3,
        told_at=None,
        known=False,
        name="Busy",
        kind=Kind.CALLS,
        queue="500",
        threshold=10,
        notification=notification,
        interval=5,
        days=(1,),
        from_minute=0,
        to_minute=0,
    )
    news = News(rule=alert.rule(), at=99.5, what=what, figure=12, notify=notify)
    Notifier(kept, kept, url).tell(2, alert, news)  # type: ignore[arg-type]
    return kept


@pytest.mark.parametrize("what", ["raised", "again"])
@pytest.mark.parametrize(
    ("notification", "kind", "target"),
    [("custom", CUSTOM, "https://example.org/a"), ("email", EMAIL, "3"), ("sms", SMS, "3")],
)
def test_who_is_notified_is_written_to_and_it_is_remembered(
    notification: str, kind: str, target: str, what: str
) -> None:
    kept = hear(notification, what)
    ((account, *where, body),) = kept.messages
    assert (account, where) == (2, [kind, target])
    assert msgspec.json.decode(body) == {
        "event": f"alert.{what}",
        "at": 99.5,
        "account": 2,
        "alert": 7,
        "user": 3,
        "name": "Busy",
        "type": "callQueueCallsHigh",
        "callQueue": "500",
        "threshold": 10,
        "figure": 12.0,
    }
    assert kept.times == [(7, 99.5)]


def test_that_it_is_cleared_is_told_to_machines_only() -> None:
    kept = hear("custom", "cleared")
    assert [msgspec.json.decode(message[3])["event"] for message in kept.messages] == ["alert.cleared"]
    assert (kept.times, kept.over) == ([], [7])
    kept = hear("email", "cleared")
    assert (kept.messages, kept.over) == ([], [7])


@pytest.mark.parametrize("kept", [hear("realtime", "raised"), hear("custom", "raised", notify=False)])
def test_nobody_is_written_to(kept: Kept) -> None:
    assert kept.messages == kept.times == []


def test_without_a_url_nothing_is_sent() -> None:
    assert hear("custom", "raised", url="").messages == []
