"""The part of the path table (extras.py) about opening hours, calendars, and the account."""

from __future__ import annotations

from ari_app.dialects.eq.wire.hours import Account, AccountBody, CalendarBody, CalendarEntry, HoursBody, QueueHours
from ari_app.dialects.http import Endpoint, error

_HOURS = (
    "Weekly intervals by the wall clock of the time zone, each on the day it begins, also past midnight; exceptions"
    " take the place of whole dates. What clocks leave out is left out, and an hour that comes twice is in it twice."
    " Callers who come when it is closed do not enter (queue log: CLOSED): they hear the message and are hung up, and"
    " are counted apart."
)
_EXTENSION = {"extension": "Extension of the call queue"}
_NAME = {"name": "Name of the calendar: up to 40 of a-z, 0-9, - and _"}
_EXCEPTIONS = error("exceptions", "invalid", "A date or an interval cannot be; the description says why")
_TIME_ZONE = error("timeZone", "invalid", "There is no such time zone")

HOURS = (
    Endpoint(
        name="x.hours.get",
        method="GET",
        path="/x/call_queue/{extension}/hours",
        tag="Opening hours",
        summary="When a queue is open, whether it is now, and when that changes",
        parameters=_EXTENSION,
        reply=QueueHours,
    ),
    Endpoint(
        name="x.hours.update",
        method="PUT",
        path="/x/call_queue/{extension}/hours",
        tag="Opening hours",
        summary="Set when a queue is open, all of it",
        description=_HOURS,
        parameters=_EXTENSION,
        body=HoursBody,
        errors=(
            error("weekly", "blank", "Not given"),
            error("weekly", "invalid", "A day or an interval cannot be; the description says why"),
            _EXCEPTIONS,
            _TIME_ZONE,
            error("calendars", "nonexistent", "A calendar does not exist"),
        ),
        changes=True,
    ),
    Endpoint(
        name="x.hours.delete",
        method="DELETE",
        path="/x/call_queue/{extension}/hours",
        tag="Opening hours",
        summary="Have a queue open always",
        parameters=_EXTENSION,
        changes=True,
    ),
    Endpoint(
        name="x.calendar.list",
        method="GET",
        path="/x/calendar",
        tag="Opening hours",
        summary="The calendars: exceptions that the hours of several queues share",
        reply=list[CalendarEntry],
    ),
    Endpoint(
        name="x.calendar.get",
        method="GET",
        path="/x/calendar/{name}",
        tag="Opening hours",
        summary="One calendar",
        parameters=_NAME,
        reply=CalendarEntry,
    ),
    Endpoint(
        name="x.calendar.update",
        method="PUT",
        path="/x/calendar/{name}",
        tag="Opening hours",
        summary="Make or change a calendar; holds at once for the queues that use it",
        parameters=_NAME,
        body=CalendarBody,
        errors=(error("exceptions", "blank", "Not given"), _EXCEPTIONS),
        changes=True,
    ),
    Endpoint(
        name="x.calendar.delete",
        method="DELETE",
        path="/x/calendar/{name}",
        tag="Opening hours",
        summary="Delete a calendar that no queue uses",
        parameters=_NAME,
        errors=(error("name", "in_use", "Hours of a queue use it"),),
        changes=True,
    ),
    Endpoint(
        name="x.account.get",
        method="GET",
        path="/x/account",
        tag="Account",
        summary="The account of the key",
        reply=Account,
    ),
    Endpoint(
        name="x.account.update",
        method="PUT",
        path="/x/account",
        tag="Account",
        summary="Set the account's time zone (of reports and opening hours), and how long recordings are kept",
        body=AccountBody,
        errors=(
            _TIME_ZONE,
            error("recordingsDays", "invalid", "Not a number of days, or null"),
        ),
        changes=True,
    ),
)
