"""What can be done on a call: one verb, one module, one name everywhere.

A verb is a coroutine that runs in one of the call's tasks and returns when it is done. Cancelled, it cleans up after
itself. A leg that is gone makes it raise LegGone; what Asterisk refuses makes it raise AriError.
"""
