"""A bar on a terminal, for imports that take long; nothing where there is no terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import NoReturn, Self

from tqdm import tqdm


class Bar:
    """Rows read, then rows written."""

    def __init__(self, *, shown: bool | None = None) -> None:
        self._hidden = not (sys.stderr.isatty() if shown is None else shown)
        self._bar: tqdm[NoReturn] | None = None
        self._what = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        self._close()

    def read(self, table: str, rows: int) -> None:
        """So many rows of a table have been read."""
        self._show(f"reading {table}", rows, None)

    def write(self, done: int, total: int) -> None:
        """So many rows of all have been written."""
        self._show("writing", done, total)

    def _show(self, what: str, done: int, total: int | None) -> None:
        if self._hidden:
            return
        if self._bar is None or what != self._what:
            self._close()
            self._what = what
            self._bar = tqdm(total=total, desc=what, unit=" rows", file=sys.stderr, leave=False, dynamic_ncols=True)
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
