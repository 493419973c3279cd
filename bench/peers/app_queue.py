"""Asterisk's own app_queue, set up to be as quick as it can be: no announcements, no wrap-up, retry after a second.

A caller is answered before he joins and hears the same music as in our queues; `i` spares him the wait for his first
audio, up to 500 ms, which SIPp does not send.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_QUEUE = """
[{name}]
strategy = leastrecent
ringinuse = no
autofill = yes
timeout = 15
retry = 1
wrapuptime = 0
musicclass = default
"""

_NUMBER = """
exten => {number},1,Answer(,i)
 same => n,Queue({number})
 same => n,Hangup()
"""


def configuration(queues: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What has to be added to Asterisk's files, by file: queues with their extensions, each at a number of its own."""
    texts, numbers = "", "\n[from-trunk](+)\n"
    for number, extensions in queues.items():
        texts += _QUEUE.format(name=number)
        texts += "".join(f"member => PJSIP/{extension}\n" for extension in extensions)
        numbers += _NUMBER.format(number=number)
    return {"queues.conf": texts, "extensions.conf": numbers}
