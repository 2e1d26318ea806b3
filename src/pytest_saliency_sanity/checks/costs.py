"""Says beforehand what the questions about a slow method will take. Standard library only."""

from __future__ import annotations

LONG = 60.0  # seconds that are worth an announcement


def announcement(method: str, model: str, seconds: float, cost: float, questions: int) -> str:
    """Return how long so many questions will take; nothing if that is less than ``LONG``.

    ``seconds``: of an explanation. ``cost``: of a question, roughly.
    """
    if cost * questions < LONG:
        return ""
    about = f"about {cost * questions / 60:.0f} min: {seconds:.2g} s an explanation"
    return f"saliency-sanity: {method} on {model} takes {about}, {questions} questions"
