"""`python -m sentinel_tasks doctor`: Invoke with the doctor in it, whatever the tasks file lists (contract: Doctor)."""

from .tasks.alone import program

if __name__ == "__main__":
    program.run()
