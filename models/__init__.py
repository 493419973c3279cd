"""The tables, one noun a file. Only ari_app/store imports this.

* Times are UNIX seconds as DOUBLE PRECISION, UTC: what the API speaks and the clock gives, exact to the microsecond.
* Every row has its account. What people configure has foreign keys. The record (calls, legs, recordings, queue calls,
  offers, agent states, queue log, journal, live calls, outbox, audit) has none: it must be writable in any order,
  and outlives what it speaks of; its keys are ids of ours or made of what happened, so that writing a row twice leaves
  one.
* JSON is kept as text: it is read whole, never searched.
"""

from models.account import Account
from models.agent_skill import AgentSkill
from models.agent_state import AgentState
from models.alert import Alert
from models.api_key import ApiKey
from models.audit_entry import AuditEntry
from models.base import Base
from models.call import Call
from models.conference import Conference, ConferenceStay
from models.extension import Extension, ProvisionedExtension
from models.imported_item import ImportedItem
from models.journal import JournalEntry, JournalSnapshot
from models.leg import Leg
from models.live_call import LiveCall
from models.offer import Offer
from models.outbox import OutboxMessage
from models.pause_code import PauseCode
from models.prompt import Prompt
from models.queue import Queue
from models.queue_binding import QueueBinding
from models.queue_call import QueueCall
from models.queue_hours import Calendar, QueueHours
from models.queue_log import QueueLogEntry
from models.queue_overflow import QueueOverflow
from models.queue_routing import QueueRouting
from models.recording import Recording
from models.schedule_activity import ScheduleActivity
from models.spill_mark import SpillMark
from models.user import User
from models.user_session import UserSession
from models.voicemail import VoicemailMessage

__all__ = [
    "Account",
    "AgentSkill",
    "AgentState",
    "Alert",
    "ApiKey",
    "AuditEntry",
    "Base",
    "Calendar",
    "Call",
    "Conference",
    "ConferenceStay",
    "Extension",
    "ImportedItem",
    "JournalEntry",
    "JournalSnapshot",
    "Leg",
    "LiveCall",
    "Offer",
    "OutboxMessage",
    "PauseCode",
    "Prompt",
    "ProvisionedExtension",
    "Queue",
    "QueueBinding",
    "QueueCall",
    "QueueHours",
    "QueueLogEntry",
    "QueueOverflow",
    "QueueRouting",
    "Recording",
    "ScheduleActivity",
    "SpillMark",
    "User",
    "UserSession",
    "VoicemailMessage",
]
