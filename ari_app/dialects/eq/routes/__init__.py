"""What the endpoints do: one resource a file. `HANDLERS` joins them to the rows of paths.py by name."""

from __future__ import annotations

from ari_app.dialects.eq.routes import agents, call_queues, live, pause_codes, sessions, supervisors
from ari_app.dialects.eq.routes.ask import Handler

HANDLERS: dict[str, Handler] = {
    **sessions.HANDLERS,
    **supervisors.HANDLERS,
    **agents.HANDLERS,
    **call_queues.HANDLERS,
    **pause_codes.HANDLERS,
    **live.HANDLERS,
}
