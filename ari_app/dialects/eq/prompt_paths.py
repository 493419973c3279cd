"""The part of the path table (paths.py) about prompts."""

from __future__ import annotations

from ari_app.dialects.eq.wire.prompt import Prompt, PromptFileQuery, PromptQuery, PromptTextBody
from ari_app.dialects.http import Endpoint, ErrorRow

_NAME = {"name": "Name, as settings have it: letters, digits, _ and -, 80 at most"}
_TAG = "Prompts"
_UNKNOWN = ErrorRow(parameter="name", type="nonexistent", description="The prompt does not exist in the language (404)")
_INVALID = ErrorRow(parameter="name", type="invalid", description="Not a name")
_LANGUAGE = ErrorRow(parameter="language", type="invalid", description="Not a language such as en or de-at")
_WHERE = (
    " Wherever a setting names a sound (the message of opening hours or of an overflow), and in place of Asterisk's own"
    " sound of that name, it is played from now on, in the language of the channel if there is one."
)

#: ours
PROMPTS = (
    Endpoint(
        name="x.prompts",
        method="GET",
        path="/x/prompts",
        tag=_TAG,
        summary="All prompts, by name and language",
        reply=list[Prompt],
    ),
    Endpoint(
        name="x.prompt.update",
        method="PUT",
        path="/x/prompt/{name}",
        tag=_TAG,
        summary="Make a prompt of a text",
        description="The text is spoken at once; the same text is not spoken twice." + _WHERE,
        parameters=_NAME,
        body=PromptTextBody,
        changes=True,
        errors=(
            _INVALID,
            _LANGUAGE,
            ErrorRow(parameter="text", type="blank", description="Not given"),
            ErrorRow(parameter="text", type="invalid", description="Cannot be spoken"),
            ErrorRow(parameter="engine", type="invalid", description="No such engine, or it is not installed"),
            ErrorRow(parameter="voice", type="invalid", description="The engine has no such voice"),
        ),
    ),
    Endpoint(
        name="x.prompt.upload",
        method="PUT",
        path="/x/prompt/{name}/file",
        tag=_TAG,
        summary="Send a prompt as a file",
        description="WAV, MP3, Ogg (Vorbis, Opus) or FLAC, at most 8 MiB and ten minutes; it is mixed to one channel. A"
        " file without a header, of 8 kHz and one channel, is what `format` says." + _WHERE,
        parameters=_NAME,
        query=PromptFileQuery,
        upload=("audio/wav", "audio/mpeg", "audio/ogg", "audio/flac", "application/octet-stream"),
        changes=True,
        errors=(
            _INVALID,
            _LANGUAGE,
            ErrorRow(parameter="format", type="invalid", description="Not ulaw, alaw, gsm, sln or vox"),
            ErrorRow(parameter="file", type="blank", description="Not given"),
            ErrorRow(parameter="file", type="invalid", description="Not a sound that can be read, or too long"),
        ),
    ),
    Endpoint(
        name="x.prompt.file",
        method="GET",
        path="/x/prompt/{name}/file",
        tag=_TAG,
        summary="The file of a prompt, as it is played: WAV, 8 kHz, one channel",
        parameters=_NAME,
        query=PromptQuery,
        download=("audio/wav",),
        errors=(_UNKNOWN,),
    ),
    Endpoint(
        name="x.prompt.delete",
        method="DELETE",
        path="/x/prompt/{name}",
        tag=_TAG,
        summary="Delete a prompt in a language",
        parameters=_NAME,
        query=PromptQuery,
        changes=True,
        errors=(_UNKNOWN,),
    ),
)
