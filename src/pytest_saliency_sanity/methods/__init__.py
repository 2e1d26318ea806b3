"""Saliency methods: what is checked. The names are known without importing torch; see ``resolve``."""
