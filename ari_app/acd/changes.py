"""Which agents may look different than a while ago, for those who keep what they have made of the views.

Not part of a snapshot: a restored engine begins with another `Changes`, and who kept something sees that by its
identity.
"""

from __future__ import annotations


class Changes:
    """Counts changes; more may be noted than there were, but none is left out."""

    def __init__(self) -> None:
        #: goes up with each change
        self.count = 0
        #: agent -> the count at his last change; the last to change is the last here
        self._agents: dict[int, int] = {}
        #: the count when there came to be other agents or other queues
        self._all = 0

    def agent(self, agent: int) -> None:
        """Something that is shown of this agent may have changed."""
        self.count += 1
        self._agents.pop(agent, None)
        self._agents[agent] = self.count

    def everything(self) -> None:
        """Agents or queues have come or gone."""
        self.count += 1
        self._all = self.count
        self._agents.clear()

    def since(self, count: int) -> list[int] | None:
        """The agents who have changed since `count` was as given; None: anything may have. Costs as much as there were
        changes, however many agents there are."""
        if self._all > count:
            return None
        found = []
        for agent, changed in reversed(self._agents.items()):
            if changed <= count:
                break
            found.append(agent)
        return found
