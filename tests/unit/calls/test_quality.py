"""Asterisk's counts of a leg's audio, read; and to which leg they belong."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from ari_app.ari.events import ChannelVarset
from ari_app.ari.models import Channel
from ari_app.call_quality import CallQuality
from ari_app.calls import facts
from ari_app.calls.quality import VARIABLE, Way, parse
from tests.unit.calls.stage import Stage

#: of Asterisk 22.10.1, of a phone that lost 18 of 320 packets and reported jitter of 5 ms
REAL = (
    "ssrc=1217838773;themssrc=1606696677;lp=15;rxjitter=0.005000;rxcount=302;txjitter=0.013500;txcount=323;rlp=5;"
    "rtt=0.000137;rxmes=80.119287;txmes=87.087887"
)
SILENT = "ssrc=1;themssrc=0;lp=0;rxjitter=0.000000;rxcount=0;txjitter=0.000000;txcount=0;rlp=0;rtt=0.000000"
UNREPORTED = "ssrc=1;themssrc=2;lp=0;rxjitter=0.000000;rxcount=310;txjitter=0.000100;txcount=306;rlp=0;rtt=0.000000"


def test_what_asterisk_says() -> None:
    found = parse(REAL)
    assert found is not None
    assert found.received is not None
    assert found.sent is not None
    assert found.received == Way(packets=317, lost=15, jitter=0.0135, mos=found.received.mos)
    assert found.sent == Way(packets=323, lost=5, jitter=0.005, mos=found.sent.mos)
    assert found.rtt == 0.000137
    assert found.received.loss == pytest.approx(15 / 317)
    # 4.7 % of random loss cost about half a point, 1.5 % a sixth
    assert found.received.mos == pytest.approx(3.9, abs=0.05)
    assert found.sent.mos == pytest.approx(4.25, abs=0.05)


def test_a_phone_that_reports_nothing() -> None:
    found = parse(UNREPORTED)
    assert found is not None
    assert (found.sent, found.rtt) == (None, None)
    assert found.received is not None
    assert found.received.mos == 4.4


def test_a_phone_that_sends_nothing_but_reports() -> None:
    found = parse(REAL.replace("rxcount=302", "rxcount=0").replace("lp=15", "lp=0"))
    assert found is not None
    assert found.received is None
    assert found.sent is not None


@pytest.mark.parametrize(
    "value", [SILENT, "", "lp=1", REAL.replace("lp=15", "lp=many"), REAL.replace("rtt=0.000137", "rtt=nan")]
)
def test_nothing_is_said(value: str) -> None:
    assert parse(value) is None


def test_more_came_than_was_expected() -> None:
    found = parse(REAL.replace("lp=15", "lp=-3"))
    assert found is not None
    assert found.received is not None
    assert (found.received.packets, found.received.lost) == (302, 0)


@given(
    st.text(), st.lists(st.tuples(st.sampled_from(["lp", "rxcount", "txjitter", "rtt", "x"]), st.text()), max_size=9)
)
def test_whatever_comes(noise: str, fields: list[tuple[str, str]]) -> None:
    for text in (noise, REAL + ";" + ";".join(f"{name}={value}" for name, value in fields)):
        found = parse(text)
        for way in (found.received, found.sent) if found else ():
            assert way is None or (1.0 <= way.mos <= 4.5 and 0 <= way.loss <= 1)


def _told(channel: Channel, variable: str = VARIABLE, value: str = REAL) -> ChannelVarset:
    return ChannelVarset(
        application="ari_app", timestamp="2026-01-02T03:04:05.678+0000", variable=variable, value=value, channel=channel
    )


async def test_it_is_of_the_leg_whose_channel_it_is(stage: Stage) -> None:
    call, fake = await stage.incoming()
    channel = await stage.node.channels.get(channelId=fake.id)
    told = [_told(channel), _told(channel, "RTPAUDIOQOSBRIDGED"), _told(channel, value=SILENT)]
    told += [msgspec.structs.replace(told[0], channel=None)]
    told += [_told(msgspec.structs.replace(channel, id="another"))]
    for event in told:
        stage.registry.on_event(stage.node, event)
    (fact,) = stage.store.of(facts.LegMeasured)
    assert (fact.leg, fact.call, fact.account) == (fake.id, call.id, 1)
    assert fact.quality == parse(REAL)


async def test_of_a_leg_that_has_ended_it_comes_too_late(stage: Stage) -> None:
    call, fake = await stage.incoming()
    channel = await stage.node.channels.get(channelId=fake.id)
    stage.fake.hangup_from_far_end(fake)
    await stage.until(lambda: stage.store.of(facts.LegEnded))
    stage.registry.on_event(stage.node, _told(channel))
    assert stage.store.of(facts.LegMeasured) == []
    await stage.until(lambda: call.id not in stage.registry.calls)


def test_those_who_listen_are_told_and_it_is_counted() -> None:
    told, registry = [], CollectorRegistry()
    quality = CallQuality(registry, lambda *event: told.append(event))
    for value in (REAL, UNREPORTED):
        found = parse(value)
        assert found is not None
        quality(facts.LegMeasured(at=2.5, leg="leg-1", call="call-1", account=7, quality=found))
    assert told[0][:2] == (7, "LegMeasured")
    values = told[0][2]
    assert (values["at"], values["call"], values["leg"], values["roundTrip"]) == (2.5, "call-1", "leg-1", 0.14)
    assert values["received"] == {"packets": 317, "lost": 15, "jitter": 13.5, "mos": 3.91}
    assert values["sent"]["jitter"] == 5.0
    assert (told[1][2]["sent"], told[1][2]["roundTrip"]) == (None, None)

    def counted(name: str, direction: str) -> float | None:
        return registry.get_sample_value(name, {"direction": direction})

    assert (counted("ariapp_leg_mos_count", "received"), counted("ariapp_leg_mos_count", "sent")) == (2, 1)
    assert counted("ariapp_leg_loss_ratio_sum", "received") == pytest.approx(15 / 317)
    assert counted("ariapp_leg_jitter_seconds_sum", "sent") == pytest.approx(0.005)
