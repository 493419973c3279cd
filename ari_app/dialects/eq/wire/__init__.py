"""What goes over the wire: one noun a file. Pydantic models come in (they name what was wrong), msgspec structs go out
(they are fast: agent status may be thousands of rows). camelCase outside, snake_case inside.
"""
