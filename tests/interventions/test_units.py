"""The units of a model: what is randomised, in the order in which it is executed, and which of it classifies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import load_checkpoint
from pytest_saliency_sanity.interventions.units import classifier_of, units_of

IMAGES = torch.zeros(2, 3, 32, 32)


def names_of(model: nn.Module, images: torch.Tensor = IMAGES) -> list[str]:
    return [unit.name for unit in units_of(model, images)]


class HeadFirst(nn.Module):
    """Registered against the order of execution, which is stem, body, head."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 5)
        self.body = nn.Conv2d(4, 4, 3)
        self.stem = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.body(self.stem(images)).mean((2, 3)))
        return logits


def test_units_come_in_order_of_execution_not_of_registration() -> None:
    model = HeadFirst()
    assert [name for name, _ in model.named_children()] == ["head", "body", "stem"]
    assert names_of(model) == ["stem", "body", "head"]


def test_a_module_that_runs_twice_stands_where_it_ran_first() -> None:
    class Repeating(HeadFirst):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            features = self.body(self.stem(images))
            logits: torch.Tensor = self.head(self.body(features).mean((2, 3)))
            return logits

    assert names_of(Repeating()) == ["stem", "body", "head"]


def test_modules_that_never_run_come_last_in_order_of_registration() -> None:
    class WithSpares(HeadFirst):
        def __init__(self) -> None:
            super().__init__()
            self.spare_b = nn.Linear(2, 2)
            self.spare_a = nn.Linear(2, 2)

    assert names_of(WithSpares()) == ["stem", "body", "head", "spare_b", "spare_a"]


def test_modules_without_parameters_are_no_units() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    assert names_of(model) == ["0", "4"]


class Tokens(nn.Module):
    """Owns bare parameters on the model itself and on a child, used by function calls in between."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4, 1, 1))
        self.weight = nn.Parameter(torch.zeros(5, 4))
        self.stem = nn.Conv2d(3, 4, 3)
        self.child = nn.Module()
        self.child.shift = nn.Parameter(torch.zeros(4, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.stem(images) * self.scale
        return F.linear(input=(features + self.child.shift).mean((2, 3)), weight=self.weight)


def test_bare_parameters_are_units_where_they_are_first_used() -> None:
    units = units_of(Tokens(), IMAGES)
    assert [(unit.name, unit.module, unit.parameters) for unit in units] == [
        ("stem", "stem", ("weight", "bias")),
        ("scale+weight", "", ("scale", "weight")),
        ("child", "child", ("shift",)),
    ]


def test_parameters_in_a_list_of_arguments_are_seen() -> None:
    class WithToken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(32, 5)
            self.tokens = nn.Module()
            self.tokens.first = nn.Parameter(torch.zeros(1, 1, 1, 32))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            rows = torch.cat([self.get_parameter("tokens.first"), images[:1, :1]], 2)
            logits: torch.Tensor = self.head(rows.mean((1, 2)))
            return logits

    assert names_of(WithToken()) == ["tokens", "head"]


def test_a_shared_parameter_is_counted_once() -> None:
    class Tied(HeadFirst):
        def __init__(self) -> None:
            super().__init__()
            self.twin = nn.Conv2d(4, 4, 3)
            self.twin.weight = self.body.weight

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.head(self.twin(self.body(self.stem(images))).mean((2, 3)))
            return logits

    model = Tied()
    units = {unit.name: unit.parameters for unit in units_of(model, IMAGES)}
    assert units == {
        "stem": ("weight", "bias"),
        "body": ("weight", "bias"),
        "twin": ("bias",),
        "head": ("weight", "bias"),
    }
    assert sum(map(len, units.values())) == len(list(model.parameters()))


def test_a_module_under_two_names_is_one_unit() -> None:
    class Alias(HeadFirst):
        def __init__(self) -> None:
            super().__init__()
            self.alias = self.body

    assert names_of(Alias()) == ["stem", "body", "head"]


def test_attention_is_a_unit_with_its_projections() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(8, 5)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.stem = nn.Conv2d(3, 8, 16, stride=16)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            tokens = self.stem(images).flatten(2).transpose(1, 2)
            logits: torch.Tensor = self.head(self.attention(tokens, tokens, tokens)[0].mean(1))
            return logits

    units = units_of(Attending(), IMAGES)
    assert [unit.name for unit in units] == ["stem", "attention", "attention.out_proj", "head"]
    assert units[1].parameters == ("in_proj_weight", "in_proj_bias")


def test_a_model_without_parameters_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="Flatten has no parameters to randomise"):
        units_of(nn.Flatten(), IMAGES)


def test_watching_leaves_the_model_and_the_images_as_found() -> None:
    model = nn.Sequential(nn.ReLU(inplace=True), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3 * 32 * 32, 5)).train()
    model[1].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.randn(2, 3, 32, 32)
    kept = images.clone()
    units_of(model, images)
    assert [module.training for module in model] == [True, False, True, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(images, kept)
    assert not any(module._forward_hooks for module in model.modules())


def test_watching_removes_its_hooks_when_the_model_raises() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(1, 5)).train()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        units_of(model, IMAGES)
    assert not any(module._forward_hooks for module in model.modules())
    assert all(module.training for module in model.modules())


def test_the_classifier_of_the_shipped_networks() -> None:
    for network, classifier in (("alexnet", ("1", "4", "6")), ("vgg11", ("0", "3", "6"))):
        units = units_of(load_checkpoint(network), torch.zeros(1, 3, 64, 64))
        assert classifier_of(units) == tuple(f"classifier.{each}" for each in classifier)
        assert [unit.name for unit in units[-3:]] == list(classifier_of(units))


@pytest.mark.parametrize(
    ("build", "classifier"),
    [
        (torchvision.models.resnet18, ("fc",)),
        (torchvision.models.mobilenet_v3_small, ("classifier.0", "classifier.3")),
        (torchvision.models.convnext_tiny, ("classifier.2",)),
        (torchvision.models.densenet121, ("classifier",)),
    ],
)
def test_the_classifier_of_torchvisions_networks(build: Callable[..., nn.Module], classifier: tuple[str, ...]) -> None:
    units = units_of(build(weights=None), torch.zeros(1, 3, 64, 64))
    assert classifier_of(units) == classifier
    assert units[-1].name == classifier[-1]


def test_linear_layers_before_a_spatial_output_are_not_in_the_classifier() -> None:
    class Gated(HeadFirst):
        def __init__(self) -> None:
            super().__init__()
            self.gate = nn.Linear(4, 4)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            features = self.stem(images)
            gated = features * self.gate(features.mean((2, 3)))[:, :, None, None]
            logits: torch.Tensor = self.head(self.body(gated).mean((2, 3)))
            return logits

    units = units_of(Gated(), IMAGES)
    assert [unit.name for unit in units] == ["stem", "gate", "body", "head"]
    assert classifier_of(units) == ("head",)


def test_linear_layers_before_an_output_of_tokens_are_not_in_the_classifier() -> None:
    class GatedTokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate = nn.Linear(32, 32)
            self.norm = nn.LayerNorm(32)
            self.head = nn.Linear(32, 5)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            tokens = images[:, 0]
            logits: torch.Tensor = self.head(self.norm(tokens * self.gate(tokens.mean(1))[:, None]).mean(1))
            return logits

    units = units_of(GatedTokens(), IMAGES)
    assert [unit.name for unit in units] == ["gate", "norm", "head"]
    assert classifier_of(units) == ("head",)


def test_normalisations_between_linear_layers_are_not_in_the_classifier() -> None:
    head = [nn.Flatten(), nn.Linear(3 * 32 * 32, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 5)]
    assert classifier_of(units_of(nn.Sequential(*head), IMAGES)) == ("1", "4")


def test_a_model_that_ends_in_a_convolution_has_its_last_unit_as_classifier() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert classifier_of(units_of(model, IMAGES)) == ("2",)


class TwoHeads(nn.Module):
    """Has a head beside the logits, before or after them: a fully connected one or a convolution."""

    def __init__(self, beside: nn.Module, first: bool) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3)
        self.hidden, self.logits, self.box = nn.Linear(4, 6), nn.Linear(6, 5), beside
        self.first = first

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.body(images)
        hidden = self.hidden(features.mean((2, 3))).relu()
        taken = features if isinstance(self.box, nn.Conv2d) else hidden
        if self.first:
            self.box(taken)
        logits: torch.Tensor = self.logits(hidden)
        if not self.first:
            self.box(taken)
        return logits


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("beside", [nn.Linear(6, 4), nn.Conv2d(4, 4, 1)], ids=["connected", "convolution"])
def test_a_layer_that_the_logits_do_not_depend_on_is_not_in_the_classifier(beside: nn.Module, first: bool) -> None:
    units = units_of(TwoHeads(beside, first).eval(), IMAGES)
    assert classifier_of(units) == ("hidden", "logits")
    assert {unit.name: unit.beside for unit in units} == {"body": False, "hidden": False, "logits": False, "box": True}
