"""What the EQ API asks of the live side. `ari_app.acd.centre.Centre` is the one that serves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol, TypeVar, Unpack

from ari_app.acd.call_control import ActiveCallInfo, ParkedCallInfo
from ari_app.acd.changes import Changes
from ari_app.acd.events import AnyEvent
from ari_app.acd.opening import Opening
from ari_app.acd.views import AgentQueueStatus, CallBackView, QueuedCallInfo, QueueStatistics
from ari_app.calls.analysis import AnalysisRequest, AnalysisView
from ari_app.calls.conference_room import ConferenceSettings, ConferenceView
from ari_app.calls.desk import Whom
from ari_app.calls.media import MediaRequest, MediaView, WhomOrRoom
from ari_app.calls.playback import Item, PlaybackRequest, PlaybackView
from ari_app.calls.question import QuestionRequest, QuestionView
from ari_app.calls.recognition import RecognitionRequest, RecognitionView
from ari_app.ops.problems import Problem

V_co = TypeVar("V_co", covariant=True)

__all__ = ["ActiveCallInfo", "Calls", "Centre", "Importer", "Media", "ParkedCallInfo", "QueuedCallInfo", "Upload"]


class Calls(Protocol):
    """The live calls of extensions. A channel is named by its name or its id."""

    def active_calls(self, account: int, extension: str) -> list[ActiveCallInfo]:
        """The calls an extension is on, rings for or makes; the oldest first."""

    def steal(self, account: int, channel: str, destination: str) -> None:
        """Take a caller out of his queue and send him to a number.

        Raises:
            NotFound: no such call waits.
            CommandRefused: the number is a queue that would not let him in; nothing has changed.
        """

    def dial(self, account: int, extension: str, destination: str) -> None:
        """Ring an extension, then call a number from there; waits for neither."""

    def blind_transfer(self, account: int, extension: str, channel: str | None, destination: str) -> None:
        """Send the one whom an extension talks to on a channel to a number.

        Raises:
            NotFound: it has no such channel.
            CommandRefused: it talks to nobody who can be passed on; context "reason": "not_connected", "agent".
        """

    def park(self, account: int, extension: str, channel: str | None) -> None:
        """Park the one whom an extension talks to on a channel.

        Raises:
            NotFound, CommandRefused: as for a transfer; or "no_space".
        """

    def parked_calls(self, account: int) -> list[ParkedCallInfo]:
        """The parking lot, by space."""

    def pick_up(self, account: int, channel: str, destination: str) -> None:
        """Send a parked call to a number. Raises NotFound: no such call is parked."""

    def hang_up(self, account: int, extension: str, channel: str | None) -> None:
        """End what an extension does on a channel; None: the oldest. Raises NotFound: it has no such channel."""


class ConferenceDesk(Protocol):
    """Conferences that go on, by number. All but put, remove and views raise NotFound: context "number": nobody is in
    it; "channel": no member has it."""

    def put(self, account: int, settings: ConferenceSettings) -> None:
        """A number is new, or has changed."""

    def remove(self, account: int, number: str) -> None:
        """A number is no more; who is in the conference talks on."""

    def views(self, account: int) -> list[ConferenceView]:
        """Those that go on, by number."""

    async def mute(self, account: int, number: str, channel: str, muted: bool) -> None:
        """Let a member be heard or not. Raises LegGone, AriError."""

    def kick(self, account: int, number: str, channel: str) -> None:
        """Hang a member up."""

    def lock(self, account: int, number: str, locked: bool) -> None:
        """Let nobody in any more but admins and who is called; or anybody again."""

    def end(self, account: int, number: str) -> None:
        """Hang all up."""


class Conferences(Protocol):
    """Conferences, and calls to them."""

    @property
    def desk(self) -> ConferenceDesk:
        """Those that go on."""

    def invite(self, account: int, number: str, destination: str, *, admin: bool, muted: bool) -> None:
        """Call somebody to one; waits for nothing.

        Raises:
            NotFound: there is no such conference (context "number").
            CommandRefused: nobody can be called there.
        """


class Recorder(Protocol):
    """Recordings on demand. All raise NotFound (the extension is on no call), LegGone and AriError."""

    async def start(self, account: int, extension: str, separate: bool = False) -> None:
        """Record what an extension says and hears; nothing if that goes on already. separate: as two recordings."""

    async def stop(self, account: int, extension: str) -> None:
        """End it and keep it. Raises CommandRefused: nobody has begun to record it."""

    async def cancel(self, account: int, extension: str) -> None:
        """End it and throw it away. Raises CommandRefused: nobody has begun to record it."""

    async def pause(self, account: int, extension: str) -> None:
        """Leave out what comes of all that is recorded of its call. Raises CommandRefused: nothing is."""

    async def resume(self, account: int, extension: str) -> None:
        """Go on with what was paused. Raises CommandRefused: nothing is recorded."""

    async def change(self, account: int, name: str, action: Literal["pause", "resume", "stop", "cancel"]) -> None:
        """Of one recording, by its name. Raises CommandRefused: it does not go on, or is not to be ended so."""


class Inspector(Protocol):
    """Looks for what is wrong."""

    async def problems(self, extensions: Iterable[str]) -> list[Problem]:
        """Of the installation, and of phones at these extensions. Raises nothing: what does not answer is a problem."""


class Centre(Protocol):
    """Queues, agents and live calls of every account."""

    def apply(self, account: int, event: AnyEvent) -> None:
        """Tell the account's queues, at once.

        Raises:
            CommandRefused, NotFound: nothing has changed.
        """

    @property
    def opening(self) -> Opening:
        """When queues are open."""

    @property
    def conferences(self) -> Conferences:
        """Conferences."""

    @property
    def calls(self) -> Calls:
        """The live calls of extensions."""

    async def recorded(self) -> None:
        """Return when all that was applied so far is committed."""

    @property
    def recorder(self) -> Recorder:
        """Recordings on demand."""

    def queued_calls(self, account: int, queue: str | None) -> list[QueuedCallInfo]:
        """Who waits, in order, in one queue or in all."""

    def change_place(self, account: int, call: str, priority: int | None, queue: str | None) -> None:
        """Of a caller who waits on the line: another priority, another queue.

        Raises:
            NotFound: nobody waits who is called that; or, with "queue" in the context, there is no such queue.
            CommandRefused: that queue would not let him in; nothing has changed.
        """

    def call_backs(self, account: int, queue: str | None) -> list[CallBackView]:
        """Who is to be called, in order, by one queue or by all."""

    def call_back(self, account: int, queue: str, number: str, name: str, priority: int) -> str:
        """Have somebody called when it is his turn; the id of the request.

        Raises:
            NotFound: there is no such queue.
            AlreadyRequested: the number waits for that already.
        """

    def agent_status(
        self, account: int, queue: str | None, agent: int | None, combined: bool
    ) -> list[AgentQueueStatus]:
        """What agents do, a row a queue; combined: a row an agent."""

    def agent_changes(self, account: int) -> Changes:
        """Whose rows in `agent_status` may be others than before; another object when the queues began anew."""

    def statistics(self, account: int, queue: str | None) -> list[QueueStatistics]:
        """Figures of one queue or of all."""

    async def extension_exists(self, account: int, extension: str) -> bool:
        """Whether Asterisk has an endpoint for it.

        Raises:
            AriError: Asterisk does not answer.
        """

    async def monitor(self, account: int, action: str, target_extension: str, monitor_extension: str) -> None:
        """Listen to the call of an extension, as the action says.

        Raises:
            NotFound: context "parameter" names the extension that does not exist or is on no call.
            AriError: Asterisk does not answer.
        """


class Desk(Protocol[V_co]):
    """What users have begun on live calls, as `ari_app.calls.desk.Desk` has it."""

    def view(self, account: int, session_id: str) -> V_co:
        """One, live or lately ended. Raises NotFound."""

    def views(self, account: int) -> Sequence[V_co]:
        """Those of an account, the oldest first."""

    def stop(self, account: int, session_id: str) -> None:
        """End one; nothing if it is over. Raises NotFound."""


class Media(Desk[MediaView], Protocol):
    """Users' endpoints on live calls. `ari_app.calls.media.MediaDesk` is the one that serves."""

    async def attach(self, account: int, request: MediaRequest, **whom: Unpack[WhomOrRoom]) -> str:
        """Begin an attachment to a leg or a conference; its id.

        Raises:
            NotFound: there is no such leg, or it is gone; nobody is in the conference.
            TargetError, TargetForbidden: nothing is sent there.
            LegGone, TooMany
        """


class Recognition(Desk[RecognitionView], Protocol):
    """Speech recognition on live calls. `ari_app.calls.recognition.RecognitionDesk` is the one that serves."""

    async def start(self, account: int, request: RecognitionRequest, **whom: Unpack[Whom]) -> str:
        """Begin one on a leg; its id.

        Raises:
            RecogniserMissing, BadGrammar: the engine is not there, or cannot listen for this.
            NotFound: there is no such leg, or it is gone.
            TooMany
        """


class Questions(Desk[QuestionView], Protocol):
    """Questions on live calls. `ari_app.calls.question.QuestionDesk` is the one that serves."""

    async def start(self, account: int, request: QuestionRequest, **whom: Unpack[Whom]) -> str:
        """Ask one on a leg; its id.

        Raises:
            RecogniserMissing, BadGrammar: the engine is not there, or cannot listen for this.
            NotFound: there is no such leg, or it is gone.
            TooMany
        """


class Analyses(Desk[AnalysisView], Protocol):
    """Analyses of live calls. `ari_app.calls.analysis.AnalysisDesk` is the one that serves."""

    async def start(self, account: int, request: AnalysisRequest, **whom: Unpack[Whom]) -> str:
        """Begin one on a leg; its id.

        Raises:
            NotFound: there is no such leg, or it is gone.
            TooMany
        """

    def features(self, account: int, analysis: str) -> bytes:
        """The features so far, as a file (media/recorded.py).

        Raises:
            NotFound: context "parameter": "id" (there is no such analysis), "features" (they were not kept).
        """


class Playbacks(Desk[PlaybackView], Protocol):
    """What is played on live calls. `ari_app.calls.playback.PlaybackDesk` is the one that serves."""

    async def start(self, account: int, request: PlaybackRequest, **whom: Unpack[Whom]) -> str:
        """Begin one on a leg; its id.

        Raises:
            NotFound: there is no such leg, or it is gone.
            TooMany
        """

    async def change(self, account: int, playback: str, action: str, items: Sequence[Item] = ()) -> None:
        """action: pause, resume, skip, add.

        Raises:
            NotFound: there is no such playback.
            PlaybackOver
            TooMany: it would have more items than it may.
            AriError: Asterisk does not answer.
        """

    async def press(
        self,
        account: int,
        digits: str,
        *,
        others: bool = False,
        duration: int = 100,
        between: int = 100,
        **whom: Unpack[Whom],
    ) -> bool:
        """Send digits to a phone of a call, or to those of the others; ms. Whether there is one.

        Raises:
            NotFound: there is no such leg, or it is gone.
            LegGone: it ends meanwhile.
            AriError: Asterisk does not answer.
        """


class Upload(Protocol):
    """A file of another system, read, to be imported. Answers are wire/freepbx.py's FreePbxImport."""

    async def plan(self) -> dict[str, Any]:
        """What would be done.

        Raises:
            StoreUnavailable
        """

    async def apply(self, name: str) -> dict[str, Any]:
        """Do what was planned under that name: all of it or nothing. Queues and agents know it on return.

        Raises:
            AppError: slug "plan_changed": the plan is another one by now.
            Conflict, StoreUnavailable
        """


class Importer(Protocol):
    """Imports from FreePBX. `ari_app.freepbx.service` is the one that serves."""

    async def read(
        self,
        account: int,
        data: bytes,
        *,
        csv: bool,
        force: bool,
        prune: bool,
        provision: bool | None,
        skills: Literal["offset", "rank"],
    ) -> Upload:
        """Read a file that was sent.

        Raises:
            AppError: slug "source_unreadable": it cannot be read.
        """
