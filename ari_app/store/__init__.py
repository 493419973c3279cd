"""The record, in SQL. README.md is its interface."""
