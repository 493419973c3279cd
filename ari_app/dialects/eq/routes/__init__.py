"""What the endpoints do: one resource a file. `HANDLERS` joins them to the rows of paths.py by name."""

from __future__ import annotations

from ari_app.dialects.eq.routes.agents import HANDLERS as _AGENTS
from ari_app.dialects.eq.routes.alerts import HANDLERS as _ALERTS
from ari_app.dialects.eq.routes.analysis import HANDLERS as _ANALYSIS
from ari_app.dialects.eq.routes.ask import Handler
from ari_app.dialects.eq.routes.audit import HANDLERS as _AUDIT
from ari_app.dialects.eq.routes.bulk import HANDLERS as _BULK
from ari_app.dialects.eq.routes.call_backs import HANDLERS as _CALL_BACKS
from ari_app.dialects.eq.routes.call_queues import HANDLERS as _CALL_QUEUES
from ari_app.dialects.eq.routes.call_records import HANDLERS as _CALL_RECORDS
from ari_app.dialects.eq.routes.calls import HANDLERS as _CALLS
from ari_app.dialects.eq.routes.conferences import HANDLERS as _CONFERENCES
from ari_app.dialects.eq.routes.events import HANDLERS as _EVENTS
from ari_app.dialects.eq.routes.extensions import HANDLERS as _EXTENSIONS
from ari_app.dialects.eq.routes.hours import HANDLERS as _HOURS
from ari_app.dialects.eq.routes.imports import HANDLERS as _IMPORTS
from ari_app.dialects.eq.routes.license import HANDLERS as _LICENSE
from ari_app.dialects.eq.routes.live import HANDLERS as _LIVE
from ari_app.dialects.eq.routes.media import HANDLERS as _MEDIA
from ari_app.dialects.eq.routes.mobile import HANDLERS as _MOBILE
from ari_app.dialects.eq.routes.overflow import HANDLERS as _OVERFLOW
from ari_app.dialects.eq.routes.passwords import HANDLERS as _PASSWORDS
from ari_app.dialects.eq.routes.pause_codes import HANDLERS as _PAUSE_CODES
from ari_app.dialects.eq.routes.phones import HANDLERS as _PHONES
from ari_app.dialects.eq.routes.playback import HANDLERS as _PLAYBACK
from ari_app.dialects.eq.routes.prompts import HANDLERS as _PROMPTS
from ari_app.dialects.eq.routes.question import HANDLERS as _QUESTION
from ari_app.dialects.eq.routes.queued_calls import HANDLERS as _QUEUED_CALLS
from ari_app.dialects.eq.routes.recognition import HANDLERS as _RECOGNITION
from ari_app.dialects.eq.routes.recordings import HANDLERS as _RECORDINGS
from ari_app.dialects.eq.routes.reports import HANDLERS as _REPORTS
from ari_app.dialects.eq.routes.schedules import HANDLERS as _SCHEDULES
from ari_app.dialects.eq.routes.sessions import HANDLERS as _SESSIONS
from ari_app.dialects.eq.routes.skills import HANDLERS as _SKILLS
from ari_app.dialects.eq.routes.supervisors import HANDLERS as _SUPERVISORS
from ari_app.dialects.eq.routes.voicemail import HANDLERS as _VOICEMAIL

HANDLERS: dict[str, Handler] = {
    **_SESSIONS,
    **_SUPERVISORS,
    **_AGENTS,
    **_CALL_QUEUES,
    **_PAUSE_CODES,
    **_EXTENSIONS,
    **_LIVE,
    **_CALLS,
    **_CONFERENCES,
    **_PHONES,
    **_CALL_BACKS,
    **_QUEUED_CALLS,
    **_RECORDINGS,
    **_VOICEMAIL,
    **_PROMPTS,
    **_REPORTS,
    **_IMPORTS,
    **_SKILLS,
    **_HOURS,
    **_SCHEDULES,
    **_OVERFLOW,
    **_MEDIA,
    **_RECOGNITION,
    **_QUESTION,
    **_CALL_RECORDS,
    **_ANALYSIS,
    **_PLAYBACK,
    **_EVENTS,
    **_LICENSE,
    **_ALERTS,
    **_AUDIT,
    **_BULK,
    **_MOBILE,
    **_PASSWORDS,
}
