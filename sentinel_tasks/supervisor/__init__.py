"""What runs in a service's pane: standard library only, nothing of this package."""
