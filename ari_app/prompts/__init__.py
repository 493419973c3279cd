"""Sounds of an account: sent as files or made of a text, and given to Asterisk over HTTP when they are played."""
