"""What a report says about how sure it is."""

from __future__ import annotations

import pytest

from ari_app.simulate.measure import Measures
from ari_app.simulate.report import Result


def result(*offered: float) -> Result:
    days = [{"offered": value, "occupancy": None, "max_wait": value} for value in offered]
    return Result("a", Measures({"500": 20.0}, 1800), days)


def test_margins_are_students() -> None:
    # Three values, standard deviation 10: t = 4.30 with two degrees of freedom.
    assert result(90, 100, 110).margin("offered") == pytest.approx(4.30 * 10 / 3**0.5)
    many = result(*([90, 110] * 50)).margin("offered")
    assert many == pytest.approx(2.0 * 10.05 / 10, rel=1e-3)


def test_no_margin_where_there_is_nothing_to_tell() -> None:
    assert result(90).margin("offered") is None
    assert result(90, 100).margin("occupancy") is None
    assert result(90, 100).margin("max_wait") is None
