"""The report ``json``: every result of a run, for programs."""

from __future__ import annotations

import json
from pathlib import Path

from .run import Run

SCHEMA = 3  # incremented if a key is removed or changes its meaning


def write(run: Run, path: Path) -> None:
    """Write the settings and every result of a run, as JSON in UTF-8, without NaN or infinity."""
    content = {
        "schema": SCHEMA,
        "preset": run.preset,
        "tier": run.tier,
        "device": run.device,
        "images": run.images,
        "seed": run.seed,
        "sign": run.sign,
        "law": run.law,
        "confidence": run.confidence,
        "planned": run.planned,
        "ran": run.ran,
        "outcomes": dict(run.outcomes),
        "problems": list(run.problems),
        "results": [result.as_record() for result in run.results],
    }
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
