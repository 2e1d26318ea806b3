"""What a run leaves behind, and what is rendered from it."""
