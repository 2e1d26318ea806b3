"""The presets: a folder for each, with its registration and what does the work."""
