"""What follows from what was seen: pure functions, tested by tables."""
