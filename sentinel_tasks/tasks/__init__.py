"""The tasks, and the only room that knows Invoke: flags → workspace → one engine call → report → exit code."""
