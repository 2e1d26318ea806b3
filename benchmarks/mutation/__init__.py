"""Mutation testing: each small change of the code that decides must be noticed by a test; see ``mutants.py``."""
