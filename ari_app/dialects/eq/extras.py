"""The part of the path table (paths.py) that is ours, under /x/: what the reference has nothing of."""

from __future__ import annotations

from ari_app.dialects.eq.analysis_paths import ANALYSIS
from ari_app.dialects.eq.audit_paths import AUDIT
from ari_app.dialects.eq.bulk_paths import BULK
from ari_app.dialects.eq.call_record_paths import CALL_RECORDS
from ari_app.dialects.eq.event_paths import EVENTS
from ari_app.dialects.eq.hours_paths import HOURS
from ari_app.dialects.eq.media_paths import MEDIA
from ari_app.dialects.eq.mobile_paths import MOBILES
from ari_app.dialects.eq.overflow_paths import OVERFLOW
from ari_app.dialects.eq.password_paths import PASSWORDS
from ari_app.dialects.eq.playback_paths import PLAYBACK
from ari_app.dialects.eq.prompt_paths import PROMPTS
from ari_app.dialects.eq.question_paths import QUESTION
from ari_app.dialects.eq.recognition_paths import RECOGNITION
from ari_app.dialects.eq.recording_paths import RECORDINGS
from ari_app.dialects.eq.schedule_paths import SCHEDULES
from ari_app.dialects.eq.wire.queued_call import QueuedCallBody
from ari_app.dialects.eq.wire.skills import AgentSkills, AgentSkillsBody, QueueRouting, RoutingBody
from ari_app.dialects.http import Endpoint, error

_RULES = (
    'A rule compares the agent\'s skills (0 to 100; 0: he does not have it) and "wait", the whole seconds the caller'
    ' has waited, with numbers; a skill alone means more than 0. "and", "or", "not" and parentheses join comparisons.'
    ' "wanted" means that the agent has what the caller wants, which must be so unless the rule speaks of it. It holds'
    " at once, also for those who wait, and is looked at again the second their waiting turns it."
)

SKILLS = (
    Endpoint(
        name="x.skills",
        method="GET",
        path="/x/skills",
        tag="Skills",
        summary="The agents who have skills, and which",
        reply=list[AgentSkills],
    ),
    Endpoint(
        name="x.agent_skills.get",
        method="GET",
        path="/x/agent/{id}/skills",
        tag="Skills",
        summary="What an agent can",
        parameters={"id": "User ID of the agent"},
        reply=AgentSkills,
    ),
    Endpoint(
        name="x.agent_skills.update",
        method="PUT",
        path="/x/agent/{id}/skills",
        tag="Skills",
        summary="Set what an agent can, all of it",
        parameters={"id": "User ID of the agent"},
        body=AgentSkillsBody,
        errors=(error("skills", "blank", "Not given"), error("skills", "invalid", "A name or a level cannot be")),
        changes=True,
    ),
    Endpoint(
        name="x.routing.get",
        method="GET",
        path="/x/call_queue/{extension}/routing",
        tag="Skills",
        summary="By which rule a queue chooses agents",
        parameters={"extension": "Extension of the call queue"},
        reply=QueueRouting,
    ),
    Endpoint(
        name="x.routing.update",
        method="PUT",
        path="/x/call_queue/{extension}/routing",
        tag="Skills",
        summary="Set by which rule a queue chooses agents, and what its callers want",
        description=_RULES,
        parameters={"extension": "Extension of the call queue"},
        body=RoutingBody,
        errors=(
            error("rule", "invalid", "Not a rule; the description says at which character"),
            error("wantedSkills", "invalid", "A name or a level cannot be"),
        ),
        changes=True,
    ),
)

QUEUED_CALLS = (
    Endpoint(
        name="x.queued_call.update",
        method="PUT",
        path="/x/queued_call/{id}",
        tag="Queued Calls",
        summary="Change the priority of a call that waits, or send it to another queue",
        description=(
            "It holds at once: the call moves in its queue, and among calls of the same priority it stands by the time"
            " at which it joined. Phones that ring for it, or for those it has passed, go on ringing. Sent to another"
            " queue, it waits there anew, with its priority or the one given, and is recorded in both (outcome sent)."
        ),
        parameters={"id": "ID of the call, as /queued_calls has it"},
        body=QueuedCallBody,
        errors=(
            error("id", "nonexistent", "No such call waits: it may have been answered, or be gone"),
            error("priority", "blank", "Neither priority nor queue is given"),
            error("queue", "nonexistent", "Call queue does not exist"),
            error("queue", "invalid", "The call is in that queue, or would not be let in; the description says why"),
        ),
        changes=True,
    ),
)

EXTRAS = (
    *SKILLS,
    *QUEUED_CALLS,
    *HOURS,
    *OVERFLOW,
    *SCHEDULES,
    *RECORDINGS,
    *PROMPTS,
    *MEDIA,
    *RECOGNITION,
    *QUESTION,
    *CALL_RECORDS,
    *ANALYSIS,
    *PLAYBACK,
    *EVENTS,
    *AUDIT,
    *PASSWORDS,
    *BULK,
    *MOBILES,
)
