"""The part of the path table (paths.py) about conferences: active ones are the reference's, the rest is ours."""

from __future__ import annotations

from ari_app.dialects.eq.wire.conference import (
    ActiveConference,
    Conference,
    ConferenceActionBody,
    ConferenceCreateBody,
    ConferenceStay,
    ConferenceStayQuery,
    ConferenceUpdateBody,
)
from ari_app.dialects.http import Endpoint, ErrorRow, error

_TAG = "Conferences"
_NUMBER = {"number": "Number of the conference"}
_UNKNOWN = ErrorRow(parameter="number", type="nonexistent", description="No conference has this number (404)")


_INVALID = (
    error("name", "blank", "Not given"),
    error("pin", "invalid", "Not 4 to 10 digits"),
    error("maxMembers", "invalid", "Not 1 to 1000"),
)

CONFERENCES = (
    Endpoint(
        name="active_conferences",
        method="GET",
        path="/active_conferences",
        tag=_TAG,
        summary="Conferences that somebody is in, or is being called to, by number",
        reply=list[ActiveConference],
    ),
    Endpoint(
        name="x.conference.list",
        method="GET",
        path="/x/conference",
        tag=_TAG,
        summary="Numbers that lead to a conference",
        reply=list[Conference],
    ),
    Endpoint(
        name="x.conference.create",
        method="POST",
        path="/x/conference",
        tag=_TAG,
        summary="Make a number that leads to a conference; returns the number",
        body=ConferenceCreateBody,
        reply=str,
        changes=True,
        errors=(
            error("number", "blank", "Not given"),
            error("number", "in_use", "A conference, a call queue or an extension has the number"),
            *_INVALID,
        ),
    ),
    Endpoint(
        name="x.conference.get",
        method="GET",
        path="/x/conference/{number}",
        tag=_TAG,
        summary="What a number leads to",
        parameters=_NUMBER,
        reply=Conference,
        errors=(_UNKNOWN,),
    ),
    Endpoint(
        name="x.conference.update",
        method="PUT",
        path="/x/conference/{number}",
        tag=_TAG,
        summary="Change a conference; it holds for whoever comes from then on",
        parameters=_NUMBER,
        body=ConferenceUpdateBody,
        changes=True,
        errors=(_UNKNOWN, *_INVALID),
    ),
    Endpoint(
        name="x.conference.delete",
        method="DELETE",
        path="/x/conference/{number}",
        tag=_TAG,
        summary="Delete the number of a conference; who is in it talks on",
        parameters=_NUMBER,
        changes=True,
        errors=(_UNKNOWN,),
    ),
    Endpoint(
        name="x.conference_action",
        method="POST",
        path="/x/conference_action",
        tag=_TAG,
        summary="Call somebody to a conference, mute or put out a member, lock it, end it",
        description=(
            "invite: the destination is rung for 30 seconds, and is in when it answers; nobody asks it for a PIN, and"
            " no lock keeps it out. mute: the member hears on. kick: he is hung up. lock: nobody but admins is let in"
            " until unlock, or until the last one is out. end: all are hung up, and who is being called is no more."
            " Answered at once: who is in is seen in /active_conferences."
        ),
        body=ConferenceActionBody,
        changes=True,
        errors=(
            error("conference", "blank", "Conference not specified"),
            error("conference", "nonexistent", "No conference has this number; or nobody is in it"),
            error("action", "invalid", "Action type not valid"),
            error("channel", "blank", "Channel not specified"),
            error("channel", "nonexistent", "No member has this channel"),
            error("destination", "blank", "Destination not specified"),
            error("destination", "invalid", "Not a number that can be called"),
        ),
    ),
    Endpoint(
        name="x.conference_stays",
        method="GET",
        path="/x/conference_stays",
        tag=_TAG,
        summary="Who was in conferences, from when to when, the newest first: from the record",
        query=ConferenceStayQuery,
        reply=list[ConferenceStay],
        reply_headers={"X-Total-Count": "How many rows there are without limit and offset"},
        errors=(error("from", "invalid", "Not UNIX seconds"),),
    ),
)
