"""Reading the log files that the supervisor writes."""
