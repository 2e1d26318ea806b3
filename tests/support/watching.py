"""A display that keeps what it is told of work."""

from __future__ import annotations

from dataclasses import replace

from pytest_saliency_sanity.foundation.progress import Work


class Watching:
    """Keeps every event with the work as it was then, or what was said."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Work | str]] = []

    def begin(self, work: Work) -> None:
        """Keep it."""
        self.told.append(("begin", replace(work)))

    def show(self, work: Work) -> None:
        """Keep it."""
        self.told.append(("show", replace(work)))

    def end(self, work: Work) -> None:
        """Keep it."""
        self.told.append(("end", replace(work)))

    def say(self, text: str) -> None:
        """Keep it."""
        self.told.append(("say", text))

    @property
    def events(self) -> list[str]:
        """What happened, in order."""
        return [event for event, _ in self.told]

    @property
    def ended(self) -> list[Work]:
        """The works that ended, as they were then."""
        return [work for event, work in self.told if event == "end" and isinstance(work, Work)]

    @property
    def last(self) -> Work:
        """The work of the last event."""
        work = self.told[-1][1]
        assert isinstance(work, Work)
        return work
