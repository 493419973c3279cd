"""Real peers for the integration tests and the benchmarks: Asterisk, phones, SIPp, PostgreSQL. See README.md."""
