"""What all tables share."""

from __future__ import annotations

from typing import Annotated

from sqlalchemy import BigInteger, Double, Integer, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, mapped_column

#: a primary key that counts up; SQLite counts only in a column of type INTEGER
Id = Annotated[int, mapped_column(Integer, primary_key=True, autoincrement=True)]
#: UNIX seconds, UTC
Time = Annotated[float, mapped_column(Double)]
#: a span in seconds
Seconds = Annotated[float, mapped_column(Double)]
#: JSON, as text
Json = Annotated[str, mapped_column(Text)]
#: counts beyond 32 bits
Big = Annotated[int, mapped_column(BigInteger)]


class Base(DeclarativeBase):
    """Base of all tables. The convention gives constraints the same names on every database, so that migrations can
    name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
