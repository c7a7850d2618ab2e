"""The operating system: processes, ports, files, locks, the shell."""
