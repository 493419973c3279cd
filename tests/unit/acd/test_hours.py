"""Opening hours: days, exceptions, and the days on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ari_app.acd.hours import HORIZON, WEEKDAYS, Calendar, Hours, HoursError, Special, days, instants, span, spans, zone

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = {name: ("09:00-12:00", "13:00-17:30") for name in WEEKDAYS[:5]}
ALWAYS = {name: ("00:00-24:00",) for name in WEEKDAYS}
#: zones whose clocks are changed at 2, at 1, at midnight, by half an hour; that jumped over a day; and one that is not
ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def shown(result: tuple[bool, float | None], zone: ZoneInfo = BERLIN) -> tuple[bool, str | None]:
    is_open, change = result
    if change is None:
        return is_open, None
    return is_open, datetime.fromtimestamp(change, zone).replace(tzinfo=None).isoformat(" ", "minutes")


def calendar(weekly: dict[str, tuple[str, ...]], *exceptions: Special, zone: ZoneInfo = BERLIN) -> Calendar:
    return Calendar(Hours(weekly=weekly, exceptions=exceptions), zone)


def closed(since: str, until: str | None = None, *, yearly: bool = False) -> Special:
    return Special(since=since, until=until or since, yearly=yearly)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-20 08:59:59.9", (False, "2026-11-20 09:00")),  # a Friday
        ("2026-11-20 09:00", (True, "2026-11-20 12:00")),
        ("2026-11-20 12:00", (False, "2026-11-20 13:00")),
        ("2026-11-20 17:29:59.9", (True, "2026-11-20 17:30")),
        ("2026-11-20 17:30", (False, "2026-11-23 09:00")),
        ("2026-11-21 10:00", (False, "2026-11-23 09:00")),
    ],
)
def test_weekdays(now: str, expected: tuple[bool, str]) -> None:
    assert shown(calendar(OFFICE).state(at(now))) == expected


def test_past_midnight() -> None:
    bar = calendar({"friday": ("20:00-02:00",), "sunday": ("23:00-06:30",)})
    assert shown(bar.state(at("2026-11-20 23:59"))) == (True, "2026-11-21 02:00")
    assert shown(bar.state(at("2026-11-21 01:59"))) == (True, "2026-11-21 02:00")
    assert shown(bar.state(at("2026-11-21 02:00"))) == (False, "2026-11-22 23:00")
    assert shown(bar.state(at("2026-11-23 06:29"))) == (True, "2026-11-23 06:30")


def test_intervals_that_touch_are_one() -> None:
    touching = calendar({"monday": ("08:00-12:00", "12:00-24:00"), "tuesday": ("00:00-06:00",)})
    assert shown(touching.state(at("2026-11-23 08:00"))) == (True, "2026-11-24 06:00")


def test_what_never_changes() -> None:
    assert calendar(ALWAYS).state(at("2026-11-20 23:59")) == (True, None)
    assert calendar({}).state(at("2026-11-20 23:59")) == (False, None)


def test_an_exception_far_away_is_the_next_change() -> None:
    far = calendar(ALWAYS, closed("2027-10-03"))
    assert shown(far.state(at("2026-11-20 12:00"))) == (True, "2027-10-03 00:00")
    assert shown(far.state(at("2027-10-03 12:00"))) == (False, "2027-10-04 00:00")
    beyond = calendar(ALWAYS, closed("2028-10-03"))
    assert beyond.state(at("2026-11-20 12:00")) == (True, None)
    assert shown(beyond.state(at("2028-10-02 12:00") - 30 * 86400)) == (True, "2028-10-03 00:00")


def test_holidays() -> None:
    eve = Special(since="2026-12-24", until="2026-12-24", yearly=True, intervals=("09:00-12:00",))
    christmas = calendar(OFFICE, eve, closed("2026-12-25", "2026-12-26", yearly=True), closed("2026-12-28"))
    assert shown(christmas.state(at("2026-12-24 10:00"))) == (True, "2026-12-24 12:00")
    assert shown(christmas.state(at("2026-12-24 14:00"))) == (False, "2026-12-29 09:00")
    # another year: the 24th is a Sunday and has its hours all the same, the 25th is a Monday, the 28th is open
    assert shown(christmas.state(at("2028-12-22 18:00"))) == (False, "2028-12-24 09:00")
    assert shown(christmas.state(at("2028-12-24 12:00"))) == (False, "2028-12-27 09:00")
    assert shown(christmas.state(at("2028-12-28 09:00"))) == (True, "2028-12-28 12:00")


def test_a_range_over_new_year_comes_every_year() -> None:
    holidays = calendar(ALWAYS, closed("2020-12-30", "2021-01-02", yearly=True))
    assert shown(holidays.state(at("2026-11-20 12:00"))) == (True, "2026-12-30 00:00")
    assert shown(holidays.state(at("2026-12-31 23:59"))) == (False, "2027-01-03 00:00")


def test_a_yearly_range_holds_the_29th_of_february() -> None:
    carnival = calendar(ALWAYS, closed("2026-02-27", "2026-03-02", yearly=True))
    assert shown(carnival.state(at("2028-02-27 12:00"))) == (False, "2028-03-03 00:00")
    assert shown(carnival.state(at("2027-02-27 12:00"))) == (False, "2027-03-03 00:00")
    leap_day = calendar(ALWAYS, closed("2024-02-29", yearly=True))
    assert leap_day.state(at("2026-01-01 00:00")) == (True, None)
    assert shown(leap_day.state(at("2027-06-01 00:00"))) == (True, "2028-02-29 00:00")


def test_a_date_goes_before_a_yearly_one() -> None:
    open_once = Special(since="2026-12-25", until="2026-12-25", intervals=("10:00-11:00",))
    found = calendar(OFFICE, closed("2000-12-25", yearly=True), open_once)
    assert shown(found.state(at("2026-12-24 20:00"))) == (False, "2026-12-25 10:00")


def test_a_holiday_ends_the_night_before_it_and_its_own_night_goes_on() -> None:
    nights = {name: ("20:00-04:00",) for name in WEEKDAYS}
    assert shown(calendar(nights, closed("2026-12-25")).state(at("2026-12-24 21:00"))) == (True, "2026-12-25 00:00")
    late = Special(since="2026-12-25", until="2026-12-25", intervals=("22:00-06:00",))
    assert shown(calendar(nights, late).state(at("2026-12-25 23:00"))) == (True, "2026-12-26 06:00")


def test_clocks_go_forward() -> None:
    """On 2026-03-29 Berlin has no 02:00-03:00."""
    sunday = calendar({"sunday": ("01:00-02:30",)})
    assert sunday.state(at("2026-03-29 01:30")) == (True, at("2026-03-29 03:00"))
    assert shown(sunday.state(at("2026-03-29 03:00"))) == (False, "2026-04-05 01:00")
    begins_in_it = calendar({"sunday": ("02:30-04:00",)})
    assert begins_in_it.state(at("2026-03-29 01:30")) == (False, at("2026-03-29 03:00"))
    within = calendar({"sunday": ("02:10-02:50",)})
    assert shown(within.state(at("2026-03-29 00:00"))) == (False, "2026-04-05 02:10")


def test_clocks_go_back() -> None:
    """On 2026-10-25 Berlin has 02:00-03:00 twice."""
    sunday = calendar({"sunday": ("01:00-02:30",)})
    assert sunday.state(at("2026-10-25 01:30")) == (True, at("2026-10-25 02:30", fold=1))
    begins_in_it = calendar({"sunday": ("02:30-04:00",)})
    assert begins_in_it.state(at("2026-10-25 01:30")) == (False, at("2026-10-25 02:30"))
    assert begins_in_it.state(at("2026-10-25 02:15", fold=1)) == (True, at("2026-10-25 04:00"))
    assert (calendar(ALWAYS).state(at("2026-10-25 02:15"))) == (True, None)
    ends_where_it_begins = calendar({"sunday": ("01:00-02:00",)})
    assert ends_where_it_begins.state(at("2026-10-25 01:30")) == (True, at("2026-10-25 02:00"))


def test_an_instant_is_of_the_clock_and_not_of_how_it_was_come_by() -> None:
    second = datetime.fromisoformat("2026-10-25 02:30").replace(fold=1)
    assert instants(second, BERLIN) == instants(second.replace(fold=0), BERLIN)
    assert instants(second, BERLIN) == (at("2026-10-25 02:30"), at("2026-10-25 02:30", fold=1))


def test_a_day_that_was_left_out() -> None:
    """Samoa went from the 29th to the 31st of December 2011, a Friday was lost."""
    apia = ZoneInfo("Pacific/Apia")
    friday = calendar({"friday": ("09:00-17:00",)}, zone=apia)
    assert shown(friday.state(at("2011-12-29 12:00", apia)), apia) == (False, "2012-01-06 09:00")
    thursday = calendar({"thursday": ("22:00-08:00",)}, zone=apia)
    assert thursday.state(at("2011-12-29 23:00", apia)) == (True, at("2011-12-31 00:00", apia))


_MINUTE = st.integers(0, 1439)


@st.composite
def _texts(draw: st.DrawFn) -> tuple[str, ...]:
    edges = sorted(draw(st.lists(_MINUTE, max_size=4, unique=True)))
    if len(edges) % 2:
        edges.append(draw(st.sampled_from([1440, edges[0]])))
    if len(edges) == 2 and edges[0] == edges[1]:
        return ()
    pairs = zip(edges[::2], edges[1::2], strict=True)
    texts = tuple(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs if a != b)
    try:
        spans(texts)
    except HoursError:
        return ()
    return texts


def _transitions(name: str) -> list[float]:
    """When clocks are changed, to the minute."""
    zone, found = ZoneInfo(name), []
    if name == "Pacific/Apia":
        return [datetime(2011, 12, 30, 10, tzinfo=UTC).timestamp()]
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for hour in range(0, 366 * 24):
        a, b = (begin + timedelta(hours=h) for h in (hour, hour + 1))
        if a.astimezone(zone).utcoffset() != b.astimezone(zone).utcoffset():
            found.append(
                next(
                    t
                    for t in (a.timestamp() + 60 * m for m in range(61))
                    if _offset(t, zone) != _offset(a.timestamp(), zone)
                )
            )
    return found or [begin.timestamp()]


def _offset(at: float, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at, zone).utcoffset()


CHANGES = {name: _transitions(name) for name in ZONES}


def _by_the_definition(weekly: dict[str, tuple[str, ...]], zone: ZoneInfo, begin: int, minutes: int) -> list[bool]:
    """Open or not in each minute: looked up on the wall clock, minute by minute."""
    walls = [datetime.fromtimestamp(begin + 60 * n, zone).replace(tzinfo=None) for n in range(minutes)]
    found = [False] * minutes
    for n in range((walls[-1].date() - walls[0].date()).days + 3):
        day = walls[0].date() - timedelta(days=2) + timedelta(days=n)
        midnight = datetime.combine(day, datetime.min.time())
        for a, b in (span(text) for text in weekly.get(WEEKDAYS[day.weekday()], ())):
            opens, closes = midnight + timedelta(minutes=a), midnight + timedelta(minutes=b)
            first = next((n for n, wall in enumerate(walls) if wall >= opens), minutes)
            last = max((n for n, wall in enumerate(walls) if wall < closes), default=-1)
            for n in range(first, last + 1):
                found[n] = True
    return found


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(ZONES),
    weekly=st.dictionaries(st.sampled_from(WEEKDAYS), _texts()),
    which=st.integers(0, 9),
    before=st.integers(0, 30 * 60),
)
def test_as_the_clock_on_the_wall_shows_it(
    name: str, weekly: dict[str, tuple[str, ...]], which: int, before: int
) -> None:
    zone = ZoneInfo(name)
    change = CHANGES[name][which % len(CHANGES[name])]
    begin, margin = int(change) - 60 * before, 2 * 24 * 60
    expected = _by_the_definition(weekly, zone, begin - 60 * margin, 2 * margin + 24 * 60)[margin:-margin]
    found = Calendar(Hours(weekly=weekly), zone)
    n = 0
    while n < len(expected):
        is_open, change_at = found.state(begin + 60.0 * n)
        assert is_open is expected[n]
        following = len(expected) if change_at is None else int((change_at - begin) // 60)
        assert following > n
        assert all(one is is_open for one in expected[n:following])
        n = following


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(ZONES),
    weekly=st.dictionaries(st.sampled_from(WEEKDAYS), _texts()),
    day=st.dates(date(2025, 1, 1), date(2027, 1, 1)),
    length=st.integers(0, 9),
    yearly=st.booleans(),
    texts=_texts(),
    seconds=st.integers(0, 14 * 86400),
)
def test_the_next_change_is_the_next(
    name: str,
    weekly: dict[str, tuple[str, ...]],
    day: date,
    length: int,
    yearly: bool,
    texts: tuple[str, ...],
    seconds: int,
) -> None:
    """Until then nothing changes, at it everything does."""
    special = Special(
        since=day.isoformat(), until=(day + timedelta(days=length)).isoformat(), yearly=yearly, intervals=texts
    )
    found = Calendar(Hours(weekly=weekly, exceptions=(special,)), ZoneInfo(name))
    now = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() - 3 * 86400 + seconds
    is_open, change = found.state(now)
    if change is None:
        assert found.state(now + 300 * 86400)[0] is is_open
        return
    assert now < change <= now + (HORIZON + 3) * 86400
    assert found.state(change)[0] is not is_open
    for share in (0.1, 0.5, 0.999):
        assert found.state(now + (change - now) * share) == (is_open, change)


@pytest.mark.parametrize(
    "text", ["9:00-12:00", "09:00", "09:00-24:01", "25:00-26:00", "24:00-01:00", "09:00-09:00", "", "٠9:00-10:00"]
)
def test_intervals_that_cannot_be(text: str) -> None:
    with pytest.raises(HoursError):
        span(text)


def test_intervals() -> None:
    assert spans(["22:00-02:00", "09:00-12:00"]) == ((540, 720), (1320, 1560))
    assert span("00:00-24:00") == (0, 1440)
    assert span("18:00-00:00") == (1080, 1440)
    with pytest.raises(HoursError, match="overlap"):
        spans(["09:00-12:00", "11:00-13:00"])


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-02-29", "2026-03-01"), ("2026-03-02", "2026-03-01"), ("2026-01-01", "2027-01-02"), ("x", "x")],
)
def test_dates_that_cannot_be(since: str, until: str) -> None:
    with pytest.raises(HoursError):
        days(Special(since=since, until=until))


@pytest.mark.parametrize("name", ["", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "\0", "Europe"])
def test_zones_that_there_are_not(name: str) -> None:
    with pytest.raises(HoursError):
        zone(name)
