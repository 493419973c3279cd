"""Typed client of Asterisk's REST interface and its event stream. Knows Asterisk; knows nothing of our calls.

README.md beside this file says how to use it.
"""
