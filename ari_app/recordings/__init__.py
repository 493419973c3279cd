"""Where the files of recordings go: fetched from Asterisk, kept, given out, deleted."""
