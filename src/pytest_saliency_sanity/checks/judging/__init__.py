"""Turns measurements into verdicts, and explains the verdicts in words."""
