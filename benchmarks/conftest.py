"""The fixtures of the experiments, and where their tables and figures are: all of it stands in ``experiment.py``."""

from experiment import gpu_where_one_is_needed, pytest_terminal_summary, report, size  # noqa: F401
