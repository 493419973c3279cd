"""A queue's settings in FreePBX -> the settings of ours: the table of the conversions, each with its rule."""

from __future__ import annotations

from typing import Any

from ari_app.freepbx.description import QueueEntry
from ari_app.freepbx.notes import Notes
from ari_app.freepbx.text import printable, whole
from ari_app.store.values import QueueData

NAME_MAX = 35
PREFIX_MAX = 80
_STRATEGIES = frozenset(
    ("ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear", "wrandom")
)
#: what app_queue's words stand for: agents in these states do not count (app_queue.c, parse_empty_options)
_EMPTY = {
    "loose": frozenset(("penalty", "invalid")),
    "no": frozenset(("penalty", "invalid", "paused")),
    "strict": frozenset(("penalty", "invalid", "paused", "unavailable")),
    "ultrastrict": frozenset(("penalty", "invalid", "paused", "unavailable", "inuse", "ringing")),
}
_DEFAULTS = QueueData(extension="", name="")


class Converter:
    """One queue's settings. What a source does not have is left out of the result, so that it overwrites nothing."""

    def __init__(self, queue: QueueEntry, shared_wrap_up: bool | None, notes: Notes, *, from_files: bool) -> None:
        """from_files: of Asterisk's own files, which lack what only FreePBX' dialplan knows."""
        self._queue = queue
        self._shared = shared_wrap_up
        self._notes = notes
        self._from_files = from_files
        self._subject = f"queue {queue.extension}"

    def settings(self) -> dict[str, Any]:
        """By the names of QueueData."""
        found: dict[str, Any] = {
            "wrap_up_time": self._number("wrapuptime", 0) or None,  # 0 is "none" there and "no limit" here
            "ring_strategy": self._strategy(),
            "weight": self._limited("weight", 10),
            "agent_timeout": self._number("timeout", 15) or None,
            "agent_retry_time": self._retry(),
            "max_callers": self._number("maxlen", 0) or None,
            "join_empty": self._join_empty(),
            "leave_empty": self._leave_empty(),
            "announce_frequency": self._number("announce-frequency", 0),
            "announce_position": self._position(),
            "announce_hold_time": self._one_of("announce-holdtime", ("no", "yes", "once")),
            "auto_pause": self._one_of("autopause", ("no", "yes", "all")),
            "service_level": float(self._number("servicelevel", 60)),
            "moh_class": self._music(),
        }
        if self._shared is not None:
            found["wrap_up_all_queues"] = self._shared
        return found | self._of_config() | self._recording()

    def _of_config(self) -> dict[str, Any]:
        """Settings that queues_additional.conf does not have."""
        queue, found = self._queue, dict[str, Any]()
        if "descr" in queue.config:
            found["name"] = self._name()
        if "grppre" in queue.config:
            prefix = printable(queue.config["grppre"])
            if len(prefix) > PREFIX_MAX:
                self._notes.changed(self._subject, "grppre", f"cut to {PREFIX_MAX} characters")
            found["cid_name_prefix"] = prefix[:PREFIX_MAX]
        if "maxwait" in queue.config:
            found["max_wait_time"] = self._column("maxwait") or None
        if "use_queue_context" in queue.config:
            restrictions = self._column("use_queue_context")
            found["agent_restrictions"] = restrictions if restrictions <= 2 else 0
            if restrictions > 2:
                self._notes.changed(self._subject, f"use_queue_context={restrictions}", "is unknown; taken as 0")
        if "ringing" in queue.config:
            found["ringing_moh"] = queue.setting("ringing") == "1"
        return found

    def _name(self) -> str:
        name = printable(self._queue.config["descr"])
        if not name:
            self._notes.changed(self._subject, "descr", "is empty; the queue is named by its number")
            return f"Queue {self._queue.extension}"
        if len(name) > NAME_MAX:
            self._notes.changed(self._subject, "descr", f"cut to {NAME_MAX} characters")
        return name[:NAME_MAX].strip()

    def _recording(self) -> dict[str, Any]:
        """recording since FreePBX 12; monitor-format, a file format, before."""
        details, found = self._queue.details, dict[str, Any]()
        mode = details.get("recording", "").strip().lower()
        old = details.get("monitor-format", "").strip()
        if mode or old or not self._from_files:
            on = mode in ("force", "yes", "always") if mode else bool(old)
            found["recording_format"] = "wav" if on else None
            if on and old not in ("", "wav"):
                self._notes.changed(self._subject, f"monitor-format={old}", "recordings are WAV files here")
            if mode not in ("", "force", "yes", "always", "dontcare", "no", "never"):
                self._notes.changed(self._subject, f"recording={printable(mode)}", "is unknown; taken as dontcare")
        if "monitor_type" in self._queue.config:
            answered = self._queue.setting("monitor_type") == "b"
            found["recording_mode"] = "afteranswered" if answered else "includeholdtime"
        return found

    def _retry(self) -> int | None:
        written = self._queue.details.get("retry", "").strip().lower()
        if written == "none":
            return None
        # FreePBX writes 0 into its file as 1.
        return max(1, self._number("retry", 5))

    def _music(self) -> str:
        music = self._queue.details.get("music", "").strip()
        return music or "inherit"

    def _position(self) -> str:
        details = self._queue.details
        written = details.get("announce-position", "").strip().lower()
        if written in ("yes", "no"):
            return written
        if written:
            self._notes.changed(self._subject, f"announce-position={printable(written)}", "taken as yes")
            return "yes"
        # Before FreePBX had the setting, silence for a prompt was how it was switched off.
        return "yes" if details.get("queue-youarenext", "").strip() == "queue-youarenext" else "no"

    def _strategy(self) -> str:
        written = self._queue.details.get("strategy", "ringall").strip().lower() or "ringall"
        if written == "roundrobin":
            self._notes.changed(self._subject, "strategy=roundrobin", "is rrmemory, as in Asterisk since 1.6")
            return "rrmemory"
        if written not in _STRATEGIES:
            self._notes.changed(self._subject, f"strategy={printable(written)}", "is unknown; ringall, as in Asterisk")
            return "ringall"
        return written

    def _join_empty(self) -> str:
        """yes: nobody need be there."""
        return self._empty("joinempty", "yes", "no")

    def _leave_empty(self) -> str:
        """no: nobody need be there. "yes" asks what joinempty's "no" asks."""
        return self._empty("leavewhenempty", "no", "yes")

    def _empty(self, keyword: str, nobody: str, some: str) -> str:
        written = self._queue.details.get(keyword, nobody).strip().lower() or nobody
        if written in (nobody, some, "loose", "strict", "ultrastrict"):
            return written
        asked = frozenset(part.strip() for part in written.split(","))
        # The strictest word that asks no more than the list: nobody is refused whom FreePBX would let in.
        found = nobody
        for word in ("loose", "no", "strict", "ultrastrict"):
            if _EMPTY[word] <= asked:
                found = some if word == "no" else word
        if found == nobody or asked != _EMPTY["no" if found == some else found]:
            reason = f"there is no such list here; taken as {found}, which asks no more"
            self._notes.changed(self._subject, f"{keyword}={printable(written)}", reason)
        return found

    def _one_of(self, keyword: str, allowed: tuple[str, ...]) -> str:
        """The first one is the default."""
        written = self._queue.details.get(keyword, "").strip().lower()
        if written in ("", *allowed):
            return written or allowed[0]
        self._notes.changed(self._subject, f"{keyword}={printable(written)}", f"is unknown; taken as {allowed[0]}")
        return allowed[0]

    def _limited(self, keyword: str, most: int) -> int:
        value = self._number(keyword, 0)
        if value > most:
            self._notes.changed(self._subject, f"{keyword}={value}", f"{most} is the most here")
        return min(value, most)

    def _number(self, keyword: str, default: int) -> int:
        return self._parsed(keyword, self._queue.details.get(keyword, ""), default)

    def _column(self, name: str) -> int:
        return self._parsed(name, self._queue.setting(name), 0)

    def _parsed(self, item: str, written: str, default: int) -> int:
        if not written.strip():
            return default
        value = whole(written)
        if value is None:
            self._notes.changed(
                self._subject, f"{item}={printable(written)[:40]}", f"is no number from 0; taken as {default}"
            )
            return default
        return value


def default_of(field: str) -> Any:
    """What a queue has that nobody set."""
    return getattr(_DEFAULTS, field)
