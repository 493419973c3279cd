"""For how long the harness waits for what is bound to come."""

#: Seconds. A wait that ends well costs no time, however long it may take: on a machine that is busy with other things
#: a process may stand still for seconds. Where a test is about time it has a limit of its own.
PATIENCE = 30.0
