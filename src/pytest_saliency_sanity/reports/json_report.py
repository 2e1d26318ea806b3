"""The report ``json``: every result of a run, for programs."""

from __future__ import annotations

import json
from pathlib import Path

from .run import Run

SCHEMA = 1  # raised if the meaning of a key changes, or one is taken away


def write(run: Run, path: Path) -> None:
    """Write what the run was made with and every result, as JSON in UTF-8. No number in it is NaN or infinite."""
    content = {
        "schema": SCHEMA,
        "preset": run.preset,
        "tier": run.tier,
        "device": run.device,
        "images": run.images,
        "seed": run.seed,
        "planned": run.planned,
        "ran": run.ran,
        "outcomes": dict(run.outcomes),
        "problems": list(run.problems),
        "results": [result.as_record() for result in run.results],
    }
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
