"""How the application shows itself to those who run it: log lines, health, metrics."""
