"""The network that memorised random labels, in place of the one that learned true ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.images import noise
from support.networks import is_copy
from torch import nn

from pytest_saliency_sanity import LabelRandomizer, build_model, load_checkpoint


def test_label_randomisation_has_one_stage_the_memorised_network(alexnet: nn.Module) -> None:
    memorized = load_checkpoint("alexnet", labels="random")
    randomizer = LabelRandomizer(alexnet, memorized)
    (stage,) = randomizer
    assert stage.name == "random_labels"
    assert is_copy(stage.model, memorized)
    assert stage.dead is None
    assert randomizer.bind(noise(2, 3, 64, 64), 5) is randomizer
    for at in ("every", "last", "random_labels"):
        assert randomizer.names(at) == ("random_labels",)


def test_label_randomisation_knows_no_other_stage(alexnet: nn.Module) -> None:
    randomizer = LabelRandomizer(alexnet, load_checkpoint("alexnet", labels="random"))
    with pytest.raises(ValueError, match=r"unknown stage 'random_label'.*did you mean 'random_labels'"):
        randomizer.names("random_label")
    with pytest.raises(ValueError, match="unknown stage 'classifier'"):
        randomizer.names("classifier")


@pytest.mark.parametrize("other", [lambda: load_checkpoint("vgg11"), lambda: build_model("alexnet", 0.05)])
def test_a_memorised_model_of_another_shape_is_an_error(alexnet: nn.Module, other: Callable[[], nn.Module]) -> None:
    with pytest.raises(ValueError, match=r"another architecture.*trained on random labels"):
        LabelRandomizer(alexnet, other())
