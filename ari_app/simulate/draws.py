"""Distributions of times, as a day file names them. All in seconds."""

from __future__ import annotations

from math import inf, log, sqrt
from random import Random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Times(BaseModel):
    """Base of all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def draw(self, chance: Random) -> float:
        """One time, seconds."""
        raise NotImplementedError


class Exponential(Times):
    """Memoryless: what Erlang's formulas assume."""

    distribution: Literal["exponential"]
    mean: Positive

    def draw(self, chance: Random) -> float:
        return chance.expovariate(1.0 / self.mean)


class Lognormal(Times):
    """What handling times mostly look like (Brown et al., "Statistical Analysis of a Telephone Call Center", JASA 100,
    2005). `cv`: standard deviation / mean."""

    distribution: Literal["lognormal"]
    mean: Positive
    cv: Positive = 1.0

    def draw(self, chance: Random) -> float:
        variance = log(1.0 + self.cv**2)
        return chance.lognormvariate(log(self.mean) - variance / 2, sqrt(variance))


class Erlang(Times):
    """The sum of k exponential phases: steadier than one (cv = 1/sqrt(k))."""

    distribution: Literal["erlang"]
    mean: Positive
    k: Annotated[int, Field(ge=1, le=1000)]

    def draw(self, chance: Random) -> float:
        return chance.gammavariate(self.k, self.mean / self.k)


class Constant(Times):
    """Always the same."""

    distribution: Literal["constant"]
    seconds: NotNegative

    def draw(self, chance: Random) -> float:
        return self.seconds


class Empirical(Times):
    """One of the given times, each alike."""

    distribution: Literal["empirical"]
    seconds: Annotated[list[NotNegative], Field(min_length=1)]

    def draw(self, chance: Random) -> float:
        return self.seconds[int(chance.random() * len(self.seconds))]


class Never(Times):
    """Endless: nobody gives up."""

    distribution: Literal["none"]

    def draw(self, chance: Random) -> float:
        return inf


def _short(value: Any) -> Any:
    """A number is a constant; "none" may stand alone."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"distribution": "constant", "seconds": value}
    return {"distribution": "none"} if value == "none" else value


AnyTimes = Annotated[
    Exponential | Lognormal | Erlang | Constant | Empirical,
    Field(discriminator="distribution"),
    BeforeValidator(_short),
]
AnyPatience = Annotated[
    Exponential | Lognormal | Erlang | Constant | Empirical | Never,
    Field(discriminator="distribution"),
    BeforeValidator(_short),
]
