"""Times of day, and parts of a day."""

from __future__ import annotations

import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

DAY = 24 * 3600


def parse_time(value: Any) -> int:
    """ "HH:MM", "HH:MM:SS" or TOML's local time -> seconds since midnight; "24:00" is the end of the day."""
    if isinstance(value, datetime.time):
        return value.hour * 3600 + value.minute * 60 + value.second
    parts = str(value).split(":")
    if len(parts) in (2, 3) and all(p.isdecimal() and len(p) <= 2 for p in parts):
        hours, minutes, seconds = (*map(int, parts), 0)[:3]
        if minutes < 60 and seconds < 60 and (total := hours * 3600 + minutes * 60 + seconds) <= DAY:
            return total
    raise ValueError(f"{value!r} is not a time of day; write HH:MM, 00:00 to 24:00")


TimeOfDay = Annotated[int, BeforeValidator(parse_time)]


class Strict(BaseModel):
    """A misspelt field is an error, not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Stretch(Strict):
    """A part of a day."""

    start: TimeOfDay = Field(alias="from")
    end: TimeOfDay = Field(alias="to")

    @model_validator(mode="after")
    def _forward(self) -> Stretch:
        if self.end <= self.start:
            raise ValueError("`to` must be later than `from` (over midnight: two stretches)")
        return self
