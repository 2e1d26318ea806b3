"""Answers are kept as they come, and an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import answers as module
import pytest
import torch
from answers import (
    FIXED,
    OTHER,
    SURE,
    Answer,
    Task,
    answered,
    ask,
    keys_of,
    line_of,
    networks_for,
    read,
    tasks_of,
    together,
)
from other_images import OtherImages

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.checks.registry import check_of
from pytest_saliency_sanity.data.bias_scenario import BiasScenario
from pytest_saliency_sanity.data.scenes import Scenes, load_scenes

REPEATED = Task("sobel", "alexnet", "repeatability", images=SURE)


def test_an_interrupted_run_asks_only_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "answers.jsonl"
    tasks = tasks_of(["sobel"], checks=["repeatability"], images=SURE)
    first = answered(tasks[:2], kept, processes=1)
    lines = kept.read_text().splitlines()
    assert [answer.task.network for answer in first] == ["alexnet", "vgg11"]
    monkeypatch.setattr(module, "as_completed", lambda futures: pytest.fail("asked again"))
    assert answered(tasks[:2], kept, processes=1) == first
    monkeypatch.undo()
    every = answered(tasks, kept, processes=1)
    assert kept.read_text().splitlines()[:2] == lines
    assert every[:2] == first
    assert every[2].result.verdict == "passed"


def test_a_method_that_raises_has_an_answer_that_says_so() -> None:
    questions = ["repeatability", "class_sensitivity"]
    found = ask([Task("torchcam:CAM", "alexnet", question, images=SURE) for question in questions])
    assert [answer.task.question for answer in found] == questions
    for answer in found:
        assert "does not support multiple fully connected layers" in answer.result.not_asked
        assert read_back(answer) == answer


def read_back(answer: Answer) -> Answer:
    """Return an answer as it is kept and read."""
    record = json.loads(line_of(answer))
    return Answer(Task(*record["task"]), type(answer.result).from_record(record["result"]))


def test_answers_are_judged_by_the_thresholds_of_today(tmp_path: Path) -> None:
    (answer,) = ask([REPEATED])
    kept = tmp_path / "answers.jsonl"
    kept.write_text(line_of(answer).replace('"threshold": 0.45', '"threshold": 0.01').replace("passed", "failed"))
    assert read(kept)[REPEATED].verdict == "passed"
    assert read(kept)[REPEATED].threshold == 0.45


def test_questions_about_one_network_are_asked_together() -> None:
    tasks = tasks_of(["sobel", "input"], seeds=(0, 1), checks=["localization", "contract", "repeatability"])
    groups = together(tasks)
    assert sum(map(len, groups)) == len(tasks)
    assert all(len({task._replace(question="") for task in group}) == 1 for group in groups)
    assert len(groups) == 2 * 2 * 4  # methods, seeds; three networks and none
    assert networks_for("localization") == ("resnet",)


@pytest.mark.parametrize(("images", "count"), [(FIXED, 40), (SURE, 10), (OTHER, 10)])
def test_a_task_says_which_images_are_explained(images: str, count: int) -> None:
    (answer,) = ask([Task("gradient", "alexnet", "label_randomization", images=images)])
    assert answer.result.measured.images == count


# Other images


def test_each_seed_has_other_images_in_first_place() -> None:
    every = OtherImages(0).batch(1000, "alexnet").images
    first = [OtherImages(seed).batch(40, "alexnet").images for seed in (0, 1)]
    assert torch.equal(first[0], every[:40])
    assert not torch.equal(*first)
    assert torch.equal(OtherImages(1).batch(40, "alexnet").images, first[1])
    known = {image.numpy().tobytes() for image in every}
    assert all(image.numpy().tobytes() in known for image in first[1])


def test_scenes_and_counter_stereotypes_keep_their_masks() -> None:
    scenes, scenario = (OtherImages(1).supply(need, "resnet", 100) for need in ("scenes", "bias_scenario"))
    assert isinstance(scenes, Scenes)
    assert isinstance(scenario, BiasScenario)
    known = load_scenes()
    for image, mask, target in zip(scenes.batch.images, scenes.objects, targets_of(scenes.batch), strict=True):
        row = next(at for at, other in enumerate(known.batch.images) if torch.equal(other, image))
        assert torch.equal(mask, known.objects[row])
        assert target == targets_of(known.batch)[row]
    left, right = scenario.nuisance_masks[:, 0, 0], scenario.nuisance_masks[:, 0, -1]
    assert (left ^ right).all()
    # The nuisance is a digit at full height; the other half is black at its edge.
    black = scenario.batch.images.min()
    for image, is_left in zip(scenario.batch.images, left, strict=True):
        other = image[:, :, 64:] if is_left else image[:, :, :64]
        assert other[:, :12].max() < black + 0.01


def targets_of(batch: Batch) -> torch.Tensor:
    """Return the targets of a batch that has them."""
    assert batch.targets is not None
    return batch.targets


@pytest.mark.parametrize(
    ("question", "keys"),
    [
        ("cascading_randomization[top_down]", ["classifier", "last"]),
        ("cascading_randomization[bottom_up]", ["last"]),
        ("cascading_randomization[independent]", ["classifier"]),
        ("label_randomization", ["last"]),
        ("localization", ["object"]),
    ],
)
def test_a_layer_called_classifier_is_judged_by_where_it_stands(question: str, keys: list[str]) -> None:
    (answer,) = ask([Task("gradient", "resnet", question, images=SURE)])
    limits = check_of(question).judged_by(signed=True)
    assert list(keys_of(answer.result)) == keys
    assert [stage.threshold for stage in answer.result.stages] == [limits[key] for key in keys]


def test_answers_are_added_to_a_compressed_file(tmp_path: Path) -> None:
    kept = tmp_path / "answers.jsonl.gz"
    tasks = tasks_of(["sobel"], checks=["repeatability"], images=SURE)
    for count in (1, 2):
        answered(tasks[:count], kept, processes=1)
    before = kept.read_bytes()
    answered(tasks[:2], kept, processes=1)
    assert kept.read_bytes() == before
    assert list(read(kept)) == tasks[:2]
    assert read(tmp_path / "nothing.jsonl.gz") == {}


RECORDS = Path(module.__file__).parent / "records"


@pytest.mark.parametrize("file", sorted(each.name for each in RECORDS.glob("*.jsonl.gz")))
def test_the_answers_that_come_with_the_project_can_be_read(file: str) -> None:
    assert len(module.read(RECORDS / file)) > 100


def test_no_more_is_kept_of_an_answer_than_tables_show() -> None:
    task = module.Task("gradient", "alexnet", "label_randomization", 0, "embedded", module.FIXED)
    (answer,) = module.ask([task])
    assert (answer.result.message, answer.result.curve, answer.result.evidence) == ("", (), None)
    assert answer.result.stages
