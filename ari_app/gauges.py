"""What Prometheus is shown of the running server: how much of everything there is now, and what Asterisk was asked."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from ari_app.acd.centre import Centre
from ari_app.ari.node import Node
from ari_app.calls.registry import Registry
from ari_app.media_plane import MediaPlane
from ari_app.ops.metrics import Counts, live_gauges
from ari_app.recordings.service import RecordingService
from ari_app.store.writer import Writer


def show(
    metrics: CollectorRegistry,
    *,
    registry: Registry,
    node: Node,
    centre: Centre,
    media: MediaPlane,
    recordings: RecordingService,
    writer: Writer,
) -> None:
    """Have them in /metrics, as they are whenever that is read."""
    live_gauges(
        metrics,
        {
            "calls": lambda: len(registry.calls),
            "legs": lambda: len(registry.legs),
            "helper_channels": lambda: len(registry.helpers),
            "waiters": lambda: len(registry.waiters),
            **media.gauges(),
            "call_tasks": lambda: sum(call.tasks for call in registry.calls.values()),
            "conversations": centre.conversations,
            "tasks": lambda: len(asyncio.all_tasks()),
            "recordings_delayed": lambda: recordings.collector.delayed,
            "recordings_damaged": lambda: recordings.library.damaged,
            "unwritten_rows": lambda: writer.unwritten,
        },
    )
    metrics.register(Counts("ariapp_ari_requests", "Requests to Asterisk", "operation", node.http.requests))
    metrics.register(Counts("ariapp_ari_events", "Events of Asterisk, unrepeated", "type", node.received))
    repeated = node.subscriptions.repetitions
    metrics.register(Counts("ariapp_ari_repeated_events", "Events told twice", "node", repeated))
