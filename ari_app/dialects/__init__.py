"""The HTTP dialects: each speaks to one kind of user, all work on the same live calls. They don't know each other."""
