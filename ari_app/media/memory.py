"""The C library's allocator, set for blocks of media.

glibc gives freed memory beyond 128 KiB back to the system at once, and takes it anew, page by page, cleared, for the
next block: half of the time of measuring a hundred channels is that. numpy's arrays are of this size, and live for
microseconds.
"""

from __future__ import annotations

import ctypes

#: of malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
#: Blocks up to this many bytes come from the heap, and so much that is free stays ours.
BLOCK, KEPT = 16 << 20, 64 << 20


def keep() -> bool:
    """Keep what was freed, for the whole process; at most KEPT bytes more than without. False: this is not glibc, and
    nothing was changed."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, BLOCK)) and bool(mallopt(_TRIM_THRESHOLD, KEPT))
