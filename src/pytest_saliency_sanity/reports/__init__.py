"""Reports on a run: terminal, JSON and lists."""
