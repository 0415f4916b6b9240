"""Evaluation: what a program or a model is worth, how sure that is, and how to say it.

Statistics are pure functions over arrays; a report is rendered from one plain record and measures nothing itself.
"""
