"""The program `sentinel`: tells of services without Invoke and without their tasks file, and hands the rest to Invoke.

Contract: The program sentinel.
"""
