"""Who descends from whom, who of them may be signalled, and the one gate through which every signal goes.

Standard library only, and nothing of ours: the task, the supervisor in the pane and the API all stand on it.
"""
