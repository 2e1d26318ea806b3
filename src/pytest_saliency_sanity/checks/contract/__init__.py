"""The contract of a saliency method: what every caller may rely on, tried on many small random networks."""
