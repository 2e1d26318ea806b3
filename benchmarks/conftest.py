"""The fixtures of the experiments, and where their tables and figures are: all of it stands in ``experiment.py``."""

from experiment import (  # noqa: F401
    gpu_where_one_is_needed,
    pytest_addoption,
    pytest_terminal_summary,
    report,
    size,
)
