"""The trained networks: architectures, how they are trained and kept, and the presets that names mean."""
