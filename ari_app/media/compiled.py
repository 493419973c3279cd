"""What is compiled, where there was a C compiler when the package was installed (setup.py)."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def built(name: str) -> Any:
    """A module of C by its full name; None: it was not built."""
    try:
        return import_module(name)
    except ImportError:
        return None
