"""Jobs: how the images of a measurement are divided, and what a job measures."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity.measuring.jobs import Job, Part, fitting_together, parts_of

JOB = Job(3, ("last", "first"), ((0, 4), (4, 5), (5, 10)), ("signed", "absolute"))


def test_a_job_takes_a_map_of_each_image_at_each_stage() -> None:
    assert JOB.explanations == 2 * 10


def test_the_smallest_jobs_are_a_stage_and_a_part_each() -> None:
    smallest = list(JOB.split())
    assert {(each.stages, each.parts) for each in smallest} == {
        ((stage,), (part,)) for stage in JOB.stages for part in JOB.parts
    }
    assert len(smallest) == 6
    assert {(each.draw, each.signs) for each in smallest} == {(3, JOB.signs)}


@pytest.mark.parametrize(
    ("start", "stop", "parts"),
    [
        (0, 25, [(0, 10), (10, 20), (20, 25)]),
        (25, 45, [(25, 35), (35, 45)]),
        (3, 4, [(3, 4)]),
        (4, 4, []),
    ],
)
def test_parts_have_at_most_so_many_images(start: int, stop: int, parts: list[Part]) -> None:
    assert list(parts_of(start, stop, 10)) == parts


@pytest.mark.parametrize(
    ("parts", "groups"),
    [
        ([], []),
        ([(0, 4), (4, 8), (8, 9)], [((0, 4), (4, 8)), ((8, 9),)]),  # 8 fit, 9 do not
        ([(0, 9), (9, 10), (10, 12)], [((0, 9),), ((9, 10), (10, 12))]),  # a part alone is as large as it is
        ([(0, 3), (3, 5), (5, 9)], [((0, 3), (3, 5)), ((5, 9),)]),
    ],
)
def test_parts_are_put_together_if_they_fit(parts: list[Part], groups: list[tuple[Part, ...]]) -> None:
    assert list(fitting_together(parts, 8)) == groups
