"""What runs in a service's pane: the launcher and the log pump. Standard library and lineage only."""
