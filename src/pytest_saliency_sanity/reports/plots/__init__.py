"""Plots for notebooks: they return matplotlib axes."""
