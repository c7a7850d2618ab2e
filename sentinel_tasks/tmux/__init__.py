"""tmux: the client, the command sequences, its sockets, and what its panes tell."""
