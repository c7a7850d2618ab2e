"""What each verb does, however it was typed: workspace → one engine call → report → exit code; without Invoke."""
