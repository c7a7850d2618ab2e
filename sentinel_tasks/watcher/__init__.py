"""The watcher: one process for each workspace with services that watch files; it tells their launchers of changes."""
