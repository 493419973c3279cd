"""What is heard on a call and said on it: pure analysis of audio, and the engines and transports around it."""
