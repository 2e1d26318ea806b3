"""How property-based tests are run: the same examples every time, in a moment."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No deadline: the first example warms torch up. Function-scoped fixtures are only read here.
quick = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
