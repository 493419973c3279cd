"""What the outside world is told: alerts, and the messages of the outbox."""
