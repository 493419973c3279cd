"""Speech synthesis: text in, 8 kHz audio out. engine.py is the port, synthesiser.py what callers use."""
