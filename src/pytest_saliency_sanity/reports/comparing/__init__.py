"""Runs side by side: baselines, the difference of two runs, and shards that are joined."""
