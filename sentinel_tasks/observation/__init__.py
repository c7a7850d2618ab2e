"""One look at the machine: what is there of each service now."""
