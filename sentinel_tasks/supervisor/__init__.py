"""What runs in a service's pane: the launcher and the log pump. Standard library only, nothing of this package."""
