"""Changes are counted, and named once each; test_properties.py shows that none of an engine's is left out."""

from __future__ import annotations

from ari_app.acd.changes import Changes


def test_nothing_has_changed_at_first() -> None:
    assert Changes().since(0) == []


def test_who_has_changed_since_then_is_named_once() -> None:
    changes = Changes()
    changes.agent(1)
    seen = changes.count
    for agent in (2, 1, 3, 2):
        changes.agent(agent)
    assert changes.since(seen) == [2, 3, 1]
    assert changes.since(changes.count) == []


def test_whoever_looked_before_agents_came_or_went_has_to_look_at_all() -> None:
    changes = Changes()
    changes.agent(1)
    changes.everything()
    assert changes.since(0) is None
    seen = changes.count
    changes.agent(2)
    assert changes.since(seen) == [2]
