"""The ways by which the audio of a call comes from Asterisk and goes back to it."""
