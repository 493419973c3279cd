"""Queues and agents: a pure engine, and the dispatcher that carries its commands out."""
