"""`python -m sentinel_tasks doctor`: Invoke with the doctor in it, whatever the tasks file lists (SPEC §8)."""

from .tasks.alone import program

if __name__ == "__main__":
    program.run()
