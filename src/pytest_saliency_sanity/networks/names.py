"""Trained networks: one of each kind on true labels and one that memorised random ones.

The names of presets are known without importing torch.
"""

PRESETS = ("embedded", "paper", "imagenet")
MEMORIZED = ("embedded", "paper")  # those whose networks have a twin that memorised random labels
TRAINED = ("embedded", "bias", "paper")  # those that are trained here
LABELS = ("true", "random")
