"""Has every Asterisk have the extensions that it should have."""
