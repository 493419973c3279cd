"""Speech recognition: speech is cut out of what a call says (segments.py), and engines behind one port hear it."""
