"""One SIP phone's side of one call: what it does, what it hears, and when what happened to it."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tests.harness.ari import AriError, Event
from tests.harness.audio import Heard
from tests.harness.ear import Ear
from tests.harness.patience import PATIENCE

if TYPE_CHECKING:
    from tests.harness.phones import PhoneBox

BUSY = 17
NO_ANSWER = 19
#: seconds; what a jitter buffer conceals
GAP = 0.06
DECLINED = 21


class Moment:
    """Something that happens once: when it did (seconds of the epoch), and waiting for it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.at: float | None = None
        self._happened = asyncio.Event()

    def __bool__(self) -> bool:
        return self.at is not None

    def happened(self, at: float) -> None:
        """Notes the first time only."""
        if self.at is None:
            self.at = at
            self._happened.set()

    async def wait(self, within: float = PATIENCE) -> float:
        """The time when it happened. Raises TimeoutError."""
        try:
            await asyncio.wait_for(self._happened.wait(), within)
        except TimeoutError:
            raise TimeoutError(f"not {self.name} within {within} s") from None
        assert self.at is not None
        return self.at


@dataclass(frozen=True)
class Behaviour:
    """What an extension does with a call.

    answer_after: seconds of ringing, None: it never answers. reject: Q.850 cause with which it refuses at once.
    hang_up_after: seconds after the answer, None: it stays. tone: Hz that it plays once it has answered, None: silence.
    """

    answer_after: float | None = 0.0
    reject: int | None = None
    hang_up_after: float | None = None
    tone: int | None = None
    listen: bool = True


def answers(
    after: float = 0.0, *, tone: int | None = None, hang_up_after: float | None = None, listen: bool = True
) -> Behaviour:
    return Behaviour(answer_after=after, tone=tone, hang_up_after=hang_up_after, listen=listen)


def never_answers() -> Behaviour:
    return Behaviour(answer_after=None)


def is_busy() -> Behaviour:
    return Behaviour(reject=BUSY)


def declines() -> Behaviour:
    return Behaviour(reject=DECLINED)


def when(event: Event) -> float:
    """Asterisk's time of an event, to the millisecond, in seconds of the epoch."""
    return datetime.fromisoformat(event["timestamp"]).timestamp()


class Phone:
    """A phone in one call, placed (`incoming` False) or received.

    Moments, with `.at` and `.wait(within)`: started (INVITE sent or received), ringing, answered, ended; speaking (its
    first tone was begun).
    """

    def __init__(self, box: "PhoneBox", channel: str, number: str, *, incoming: bool, listen: bool = True) -> None:
        self.box = box
        self.channel = channel
        self.number = number
        self.incoming = incoming
        self.caller_number = ""
        self.caller_name = ""
        self.started = Moment("started")
        self.ringing = Moment("ringing")
        self.answered = Moment("answered")
        self.ended = Moment("ended")
        self.speaking = Moment("speaking")
        self.cause: int | None = None
        self.digits = ""
        self.ear: Ear | None = box.ears.new_ear() if listen else None
        self._snoop = f"ear-{channel}"
        self._tone: str | None = None
        self._over_at: float | None = None

    def __repr__(self) -> str:
        return f"<Phone {'receiving' if self.incoming else 'calling'} {self.number} {self.channel}>"

    @property
    def cancelled_at(self) -> float | None:
        """When a call that rang here was taken back before the answer, or None."""
        return self.ended.at if self.incoming and not self.answered else None

    # --- what it does

    async def ring(self) -> None:
        await self.box.ari.post(f"/channels/{self.channel}/ring")

    async def answer(self) -> None:
        await self.box.ari.post(f"/channels/{self.channel}/answer")

    async def reject(self, cause: int = BUSY) -> None:
        await self.box.ari.delete(f"/channels/{self.channel}", reason_code=cause)

    async def hang_up(self, within: float = PATIENCE) -> None:
        """Ends the call, and waits until it has ended. Nothing where it had ended before."""
        with contextlib.suppress(AriError):
            await self.box.ari.delete(f"/channels/{self.channel}")
        await self.ended.wait(within)

    async def play_tone(self, hz: int) -> None:
        """Plays a continuous sine, in place of the one before."""
        await self.silence()
        media = await asyncio.to_thread(self.box.tone_file, hz)
        self._tone = f"tone-{hz}-{self.box.next_id()}"
        await self.box.ari.post(f"/channels/{self.channel}/play/{self._tone}", media=media)
        self.speaking.happened(time.time())

    async def silence(self) -> None:
        """Stops the tone."""
        if self._tone is not None:
            with contextlib.suppress(AriError):
                await self.box.ari.delete(f"/playbacks/{self._tone}")
            self._tone = None

    async def play(self, media: str) -> None:
        """Plays any media of Asterisk once, e.g. sound:hello-world."""
        await self.box.ari.post(f"/channels/{self.channel}/play", media=media)

    async def send_digits(self, digits: str, *, between: int = 100, duration: int = 100) -> None:
        """Sends DTMF (RFC 4733); times in milliseconds."""
        await self.box.ari.post(f"/channels/{self.channel}/dtmf", dtmf=digits, between=between, duration=duration)

    async def hold(self) -> None:
        """Puts the other side on hold with a re-INVITE."""
        await self.box.ari.post(f"/channels/{self.channel}/hold")

    async def unhold(self) -> None:
        await self.box.ari.delete(f"/channels/{self.channel}/hold")

    async def transfer_to(self, target: str) -> None:
        """Blind transfer: sends a REFER to `sip:...`."""
        await self.box.ari.post(f"/channels/{self.channel}/redirect", endpoint=f"PJSIP/{target}")

    # --- what it hears

    async def listen(self) -> None:
        """Begins to hear. Done by itself when the call is answered, unless it was made with listen=False."""
        if self.ear is None:
            self.ear = self.box.ears.new_ear()
        await self.box.connect_ear(self, self._snoop, self.ear)

    @property
    def heard(self) -> Heard:
        """Everything heard so far, from the answer on."""
        assert self.ear is not None, f"{self!r} does not listen"
        return self.ear.heard()

    def gaps(self, hz: int, start: float, end: float | None = None) -> list[tuple[float, float]]:
        """Pauses of a tone (start, end) that are longer than 60 ms, and than a machine that is behind explains.

        start, end: of what is looked at, in seconds of the epoch; to the end of what was heard.
        """
        assert self.ear is not None, f"{self!r} does not listen"
        heard = self.ear.heard()
        end = heard.ended_at if end is None else end
        return heard.between(start, end).gaps(hz, longer_than=GAP + 3 * self.ear.delay(start, end))

    async def wait_tones(self, *present: int, absent: tuple[int, ...] = (), within: float = PATIENCE) -> float:
        """Waits until all of the tones, and none of the absent ones, are heard for 200 ms. Raises TimeoutError."""
        assert self.ear is not None, f"{self!r} does not listen"
        return await self.ear.wait_tones(present, absent, within=within)

    # --- what happens to it (called by the box)

    def on_event(self, event: Event) -> None:
        kind = event["type"]
        if kind == "Dial":
            moment = {"RINGING": self.ringing, "PROGRESS": None, "ANSWER": self.answered}.get(event["dialstatus"])
            if moment is not None:
                moment.happened(when(event))
        elif kind == "ChannelStateChange":
            # On a busy machine Asterisk (22.10.1) sometimes tells of ringing as a state only, and leaves out the Dial.
            moment = {"Ringing": self.ringing, "Up": self.answered}.get(event["channel"]["state"])
            if moment is not None:
                moment.happened(when(event))
        elif kind == "ChannelDtmfReceived":
            self.digits += event["digit"]
        elif kind in {"ChannelHangupRequest", "StasisEnd", "ChannelDestroyed"}:
            self._on_end(event)

    def _on_end(self, event: Event) -> None:
        """Takes the time of the first sign, which is the BYE or CANCEL; what follows is Asterisk cleaning up."""
        self._over_at = self._over_at or when(event)
        self.cause = event.get("cause", self.cause)
        # Of a channel that came in, the last that we are told is the end of Stasis.
        if event["type"] == ("StasisEnd" if self.incoming else "ChannelDestroyed"):
            self.box.forget(self)
            self.ended.happened(self._over_at)
