"""Old names, until nobody imports them: see ``presets.registry``."""

from .presets.registry import PRESETS as REGISTERED

PRESETS = tuple(REGISTERED.all())
MEMORIZED = tuple(name for name, preset in REGISTERED.all().items() if "memorized_model" in preset.needs)
