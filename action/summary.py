"""Write the summary of a run in Markdown: ``python summary.py results.json summary.md``.

Exit status: 1 if the run is not green.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_saliency_sanity.reports.loading import load
from pytest_saliency_sanity.reports.status import NOT_GREEN, status_of
from pytest_saliency_sanity.reports.text.step_summary import append


def main(results: str, summary: str) -> int:
    """Append the summary of a ``results.json`` to a file; 1 if a question or a test of the run is not green."""
    run = load(Path(results))
    append(run, Path(summary))
    statuses = {status_of(record, run.tier) for record in run.records}
    return int(bool(run.problems or run.outcomes.get("failed") or run.outcomes.get("error") or NOT_GREEN & statuses))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
