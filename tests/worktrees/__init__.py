"""Worktrees that come and go at random while their services run, and what `gc` makes of it. By hand: it takes long."""
