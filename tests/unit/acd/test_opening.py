"""Queues that open and close: what the engine makes of it, and who tells it when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ari_app.acd import commands as c
from ari_app.acd import events as e
from ari_app.acd.engine import Engine
from ari_app.acd.hours import WEEKDAYS, Hours, HoursError, Special
from ari_app.acd.opening import AGAIN, Opening
from ari_app.acd.queue import Closed
from ari_app.acd.settings import QueueSettings
from ari_app.clock import ManualClock
from tests.unit.acd.scene import Scene, of
from tests.unit.calls.hall import Hall, a_hall

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Hours(weekly={day: ("09:00-17:00",) for day in WEEKDAYS[:5]}, message="vm-goodbye")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


# the engine


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.queue()
    return made


def test_who_comes_when_it_is_closed_does_not_enter_and_is_counted_apart(scene: Scene) -> None:
    scene.agent(1)
    scene.apply(e.QueueClosed(queue="500"))
    out = scene.join("a")
    assert [x.reason for x in of(c.Reject, out)] == ["closed"]
    assert [x.reason for x in of(c.CallerRefused, out)] == ["closed"]
    counts = scene.engine.counts("500")
    assert (counts.closed, counts.refused, counts.entered) == (1, 0, 0)
    scene.apply(e.QueueOpened(queue="500"))
    scene.join("b")
    assert scene.ringing() == {"b": [1]}
    assert counts.entered == 1


def test_who_waits_at_closing_time_stays(scene: Scene) -> None:
    scene.join("a")
    assert scene.apply(e.QueueClosed(queue="500")) == []
    scene.agent(1)
    assert scene.ringing() == {"a": [1]}


def test_who_waits_at_closing_time_leaves_and_who_talks_goes_on(scene: Scene) -> None:
    scene.agent(1)
    scene.join("talks")
    scene.answer("talks")
    scene.join("waits")
    scene.agent(2)
    assert scene.ringing() == {"waits": [2]}
    out = scene.apply(e.QueueClosed(queue="500", leave=True))
    assert [(x.call, x.reason) for x in of(c.Release, out)] == [("waits", "closed")]
    assert [(x.call, x.outcome) for x in of(c.CallerExited, out)] == [("waits", "closed")]
    assert [x.reason for x in of(c.Withdraw, out)] == ["caller_left"]
    assert scene.engine.known_calls() == ["talks"]
    assert scene.engine.counts("500").flow_outs == 1


def test_a_call_back_is_kept_at_closing_time(scene: Scene) -> None:
    scene.apply(e.CallBackRequested(entry="back", queue="500", number="0301234567"))
    scene.apply(e.QueueClosed(queue="500", leave=True))
    assert scene.engine.known_calls() == ["back"]


def test_a_closed_queue_is_closed_in_a_snapshot_and_what_is_said_twice_is_ignored(scene: Scene) -> None:
    scene.apply(e.QueueClosed(queue="500", message=("sound:x",)))
    again = Engine.restore(scene.engine.snapshot())
    assert again.closed("500") == Closed(message=("sound:x",))
    scene.queue(max_wait=60.0)  # set otherwise, it stays closed
    assert scene.engine.closed("500") == Closed(message=("sound:x",))
    scene.apply(e.QueueOpened(queue="500"))
    assert scene.engine.closed("500") is None
    for event in (e.QueueOpened(queue="500"), e.QueueOpened(queue="x"), e.QueueClosed(queue="x")):
        assert scene.apply(event) == []
    assert scene.engine.ignored == {"QueueOpened": 2, "QueueClosed": 1}


# who tells it


class Street:
    """An engine, its doors, and a clock on the wall that may be set."""

    def __init__(self, now: str) -> None:
        self.clock = ManualClock(at(now))
        self.engine = Engine(1)
        self.told: list[tuple[float, e.AnyEvent]] = []
        self.opening = Opening(self.clock, lambda _account: self.engine, self.apply)
        self.apply(1, e.QueueConfigured(queue=QueueSettings(extension="500")))
        self.told.clear()

    def apply(self, _account: int, event: e.AnyEvent) -> None:
        self.engine.apply(event, self.clock.now())
        self.told.append((self.clock.now(), event))

    def changes(self) -> list[tuple[str, str]]:
        """What was told since this was asked last."""
        found = [(datetime.fromtimestamp(when, BERLIN).strftime("%a %H:%M"), type(x).__name__) for when, x in self.told]
        self.told.clear()
        return found


def test_a_week() -> None:
    street = Street("2026-11-20 08:00")  # a Friday
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    assert street.changes() == [("Fri 08:00", "QueueClosed")]
    assert street.engine.closed("500") == Closed(message=("sound:vm-goodbye",))
    street.clock.advance(4 * 86400)
    assert street.changes() == [
        ("Fri 09:00", "QueueOpened"),
        ("Fri 17:00", "QueueClosed"),
        ("Mon 09:00", "QueueOpened"),
        ("Mon 17:00", "QueueClosed"),
    ]
    assert street.opening.state(1, "500") == (False, at("2026-11-24 09:00"))


def test_over_both_days_on_which_clocks_are_changed() -> None:
    hours = Hours(weekly=dict.fromkeys(WEEKDAYS, ("02:30-10:00",)), time_zone="Europe/Berlin")
    for day, opens in (("2026-03-29", at("2026-03-29 03:00")), ("2026-10-25", at("2026-10-25 02:30"))):
        street = Street(f"{day} 00:00")
        street.opening.configure(1, "500", hours, "UTC")
        street.told.clear()
        street.clock.advance(at(f"{day} 23:00") - at(f"{day} 00:00"))
        assert [when for when, _ in street.told] == [opens, at(f"{day} 10:00")]


def test_hours_are_changed_and_taken_away() -> None:
    street = Street("2026-11-20 12:00")
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    assert street.changes() == []
    street.opening.configure(1, "500", OFFICE, "America/Los_Angeles")
    assert street.changes() == [("Fri 12:00", "QueueClosed")]
    street.opening.configure(1, "500", Hours(message="other"), "UTC")
    assert street.changes() == [("Fri 12:00", "QueueClosed")]  # with another message
    list(street.opening.configure_all(1, {}, "UTC"))
    assert street.changes() == [("Fri 12:00", "QueueOpened")]
    assert street.clock.due() is None
    assert street.opening.state(1, "500") == (True, None)


def test_what_cannot_be_changes_nothing() -> None:
    street = Street("2026-11-20 12:00")
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    with pytest.raises(HoursError):
        street.opening.configure(1, "500", OFFICE, "Europe/Nowhere")
    list(street.opening.configure_all(1, {"500": OFFICE}, "Europe/Nowhere"))  # of which the store had known
    street.clock.advance(86400)
    assert street.changes() == [("Fri 17:00", "QueueClosed")]


def test_a_queue_that_is_gone_is_forgotten() -> None:
    street = Street("2026-11-20 12:00")
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    street.apply(1, e.QueueRemoved(queue="500"))
    street.clock.advance(86400)
    assert street.changes() == [("Fri 12:00", "QueueRemoved")]
    assert street.clock.due() is None


def test_a_queue_that_is_made_again_is_closed_at_once() -> None:
    street = Street("2026-11-20 20:00")
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    street.apply(1, e.QueueRemoved(queue="500"))
    street.apply(1, e.QueueConfigured(queue=QueueSettings(extension="500")))
    street.told.clear()
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    assert street.changes() == [("Fri 20:00", "QueueClosed")]


def test_hours_that_do_not_change_are_looked_at_again() -> None:
    """A holiday two years away is not in sight."""
    street = Street("2026-11-20 12:00")
    always = {day: ("00:00-24:00",) for day in WEEKDAYS}
    far = Special(since="2028-11-20", until="2028-11-20")
    street.opening.configure(1, "500", Hours(weekly=always, exceptions=(far,)), "Europe/Berlin")
    assert street.clock.due() == street.clock.now() + AGAIN
    street.clock.advance(at("2028-11-22 12:00") - street.clock.now())
    assert street.changes() == [("Mon 00:00", "QueueClosed"), ("Tue 00:00", "QueueOpened")]


def test_a_clock_set_forward_is_noticed_by_the_next_caller() -> None:
    street = Street("2026-11-20 12:00")
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    street.clock._now += 6 * 3600  # no timer fires: those run on a clock that nobody sets
    street.opening.look(1, "500")
    assert street.changes() == [("Fri 18:00", "QueueClosed")]
    street.clock._now -= 6 * 3600
    street.opening.clock_was_set()
    assert street.changes() == [("Fri 12:00", "QueueOpened")]


def test_a_clock_set_back_before_a_timer_fires() -> None:
    street = Street("2026-11-20 16:59")
    street.opening.configure(1, "500", OFFICE, "Europe/Berlin")
    ((_, _, timer),) = street.clock._timers
    street.clock._now -= 3600
    assert timer.callback is not None
    timer.callback()
    assert street.changes() == []
    street.clock.advance(3700)
    assert street.changes() == [("Fri 17:00", "QueueClosed")]


# on a telephone


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with a_hall() as made:
        made.queue("500")
        yield made


async def test_the_caller_is_told_and_hung_up(hall: Hall) -> None:
    hall.centre.opening.configure(1, "500", Hours(message="vm-goodbye"), "UTC")
    call, channel = await hall.call()
    await hall.stage.over(call)
    assert hall.stage.asked("channels.answer")
    assert [asked["media"] for asked in hall.stage.asked("channels.playWithId")] == [["sound:vm-goodbye"]]
    assert channel.id not in hall.fake.world.channels
    await hall.nothing_left()


async def test_without_a_message_he_is_not_even_answered(hall: Hall) -> None:
    hall.centre.opening.configure(1, "500", Hours(), "UTC")
    call, _ = await hall.call()
    await hall.stage.over(call)
    assert call.answered_at is None
    await hall.nothing_left()


async def test_closing_time_comes_while_he_waits(hall: Hall) -> None:
    now = hall.clock.now()
    soon = datetime.fromtimestamp(now + 120, ZoneInfo("UTC"))
    weekly = dict.fromkeys(WEEKDAYS, (f"{'00:00' if soon.hour else '12:00'}-{soon:%H:%M}",))
    hall.centre.opening.configure(1, "500", Hours(weekly=weekly, leave=True, message="vm-goodbye"), "UTC")
    call, channel = await hall.call()
    await hall.stage.until(lambda: channel.music)
    hall.clock.advance(121)
    await hall.stage.over(call)
    (exited,) = hall.store.facts_of(c.CallerExited)
    assert exited.outcome == "closed"
    await hall.nothing_left()


async def test_the_next_process_knows_that_it_is_closed(hall: Hall) -> None:
    hall.centre.opening.configure(1, "500", Hours(message="vm-goodbye"), "UTC")
    await hall.crash()
    async with hall.next_process() as next:
        assert next.engine.closed("500") == Closed(message=("sound:vm-goodbye",))
        call, _ = await next.call()
        await next.stage.over(call)
        await next.nothing_left()
