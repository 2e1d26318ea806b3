"""Saliency methods and adapters to those of other libraries. Names are known without importing torch."""
