"""Measures maps: rank correlations, masses inside masks, and confidence intervals of their means."""
