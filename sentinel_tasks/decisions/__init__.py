"""Opinions on what was seen: pure functions, tested by tables."""
