"""Shows what was measured, and the maps, in the report of pytest-html if one is written. It is never required."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator
from html import escape
from typing import TYPE_CHECKING, Any

import pytest

from ..foundation.errors import described

if TYPE_CHECKING:
    import numpy as np

    from ..checks.judging.evidence import Evidence
    from ..checks.judging.result import CheckResult

RESULT = pytest.StashKey["CheckResult"]()
PLUGIN, OPTION = "html", "htmlpath"  # of pytest-html
SIDE = 96  # pixels of a map
SHAPE = 320 / 200  # of the frame that pytest-html shows a picture in; it cuts off what does not fit


def is_written(config: pytest.Config) -> bool:
    """Return whether pytest-html writes a report of the run."""
    return config.pluginmanager.hasplugin(PLUGIN) and bool(config.getoption(OPTION, None))


def keep_for_html(item: pytest.Item, result: CheckResult) -> None:
    """Keep a result until the report of its test is made, if pytest-html writes one."""
    if is_written(item.config):
        item.stash[RESULT] = result


class Pictures:
    """Attaches the message and the maps of each question to the row of its test, in the process that ran it."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach them to the report of a test that has just been called."""
        report = yield
        if call.when == "call" and RESULT in item.stash:
            result = item.stash[RESULT]
            del item.stash[RESULT]
            attached = [*getattr(report, "extras", []), *extras_of(result, told=report.failed)]
            setattr(report, "extras", attached)  # noqa: B010  (an attribute of pytest-html, not of pytest)
        return report


def extras_of(result: CheckResult, *, told: bool) -> list[dict[str, Any]]:
    """Return what pytest-html shows of a result: the message, unless it is ``told`` already, and the maps."""
    from pytest_html import extras

    message = [] if told else [extras.html(f"<pre>{escape(result.message)}</pre>")]
    return [*message, *(pictures_of(result.evidence) if result.evidence and result.evidence.maps else [])]


def pictures_of(evidence: Evidence) -> list[dict[str, Any]]:
    """Return a picture of maps: a column for each network, a row for each image, the image first.

    If they can't be drawn, return why.
    """
    from pytest_html import extras

    from ..drawing.maps import SCALING, png, strip
    from ..drawing.style import require_matplotlib

    try:
        require_matplotlib()
        pixels = framed(strip(evidence.maps, evidence.pictures, side=SIDE))
        picture = b64encode(png(pixels)).decode("ascii")
    except Exception as error:  # whatever a method's maps hold, the run goes on
        return [extras.html(f"<p>The maps were not drawn: {escape(described(error))}</p>")]
    columns = ", ".join([*([] if evidence.pictures is None else ["the image"]), *evidence.maps])
    return [extras.png(picture, name=f"Maps: {columns}"), extras.html(f"<p>{SCALING}</p>")]


def framed(pixels: np.ndarray) -> np.ndarray:
    """Return a picture ``(h, w, 3)`` with white around it, so that it fits the frame of pytest-html."""
    import numpy as np

    height, width = pixels.shape[:2]
    above, left = max(0, round(width / SHAPE) - height), max(0, round(height * SHAPE) - width)
    return np.pad(pixels, [_halves(above), _halves(left), (0, 0)], constant_values=255)


def _halves(pixels: int) -> tuple[int, int]:
    return pixels // 2, pixels - pixels // 2
