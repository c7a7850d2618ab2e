"""Foreign text made safe to show, annotations in logs, and lengths of time in words."""
