"""From everything that was configured to one Workspace, or to its problems."""
