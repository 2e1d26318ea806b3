"""Models that compute the same function with other weights: that they do, and that nothing of the user's is touched."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
import torchvision
from support.images import noise
from support.networks import Network
from support.traces import left_as_found
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import gradcam, gradient, load_batch, load_checkpoint
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.interventions.symmetries import KINDS, Symmetry

kinds = pytest.mark.parametrize("kind", KINDS)
# Of the logits' spread. Measured in float32: 1e-5 and less; a wrong pixel of padding is 1e-2.
TOLERANCE = 1e-4


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.first = nn.Conv2d(6, 5, 3, padding=1)
        self.norm = nn.BatchNorm2d(5)
        self.second = nn.Conv2d(5, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.stem(images))
        values = F.relu(self.second(F.relu(self.norm(self.first(values)))) + values)
        logits: torch.Tensor = self.head(values.mean((2, 3)))
        return logits


class Twice(nn.Module):
    """A layer that is used twice: what changes its outputs changes what it takes, too."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.same = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.same(F.relu(self.same(F.relu(self.stem(images))))))
        logits: torch.Tensor = self.head(values.mean((2, 3)))
        return logits


class ChannelsLast(nn.Module):
    """Its fully connected layer takes position by position: the channels do not lie together there."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.head = nn.Linear(6 * 100, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(F.relu(self.conv(images)).permute(0, 2, 3, 1).flatten(1))
        return logits


def plain() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(6 * 25, 8), nn.ReLU(inplace=True), nn.Linear(8, 4)),
    )


def normalised() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU()),
        *(nn.Conv2d(6, 5, 3, stride=2, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16, 4)),
    )


def depthwise() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 1), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=6, padding=1), nn.ReLU(), nn.Conv2d(6, 5, 1)),
        *(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)),
    )


def connected() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(300, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 4))


def smooth() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.GELU(), nn.Conv2d(6, 5, 3), nn.GELU(), nn.Flatten(), nn.Linear(5 * 36, 4))
    )


def grouped() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.GroupNorm(2, 6), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=2), nn.ReLU()),
        *(nn.Conv2d(6, 5, 1), nn.Flatten(), nn.Linear(5 * 36, 4)),
    )


def normalised_images() -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 4))


def logistic() -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(300, 4))


def parametrised() -> nn.Sequential:
    model = plain()
    torch.nn.utils.parametrizations.weight_norm(model[0])
    return model


def small_transformer() -> nn.Module:
    model: nn.Module = torchvision.models.VisionTransformer(10, 5, 2, 2, hidden_dim=8, mlp_dim=12, num_classes=4)
    nn.init.normal_(model.get_parameter("heads.head.weight"))  # torchvision starts it at 0: all logits alike
    return model


def resnet18() -> nn.Module:
    model: nn.Module = torchvision.models.resnet18(num_classes=4)
    return model


def made(make: Callable[[], Network]) -> Network:
    """Return a network of random weights, with statistics and scales that are not those of a new one."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = make()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
                module.weight.uniform_(0.5, 2)
                module.bias.normal_()
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
    return model.eval()


IMAGES = noise(12, 3, 10, 10)


def assert_equivalent(model: nn.Module, symmetry: Symmetry, images: torch.Tensor) -> None:
    stage = symmetry.only()
    expected = logits_of(model, images)
    off = (logits_of(stage.model, images + stage.shift) - expected).abs().max()
    assert off <= TOLERANCE * (expected.max() - expected.min())


def differing(model: nn.Module, other: nn.Module) -> set[str]:
    """Return the parameters that are not the same in both."""
    own = dict(model.named_parameters())
    return {name for name, value in other.named_parameters() if name not in own or not torch.equal(own[name], value)}


# What can be changed in each network: by hand, from its architecture.
CHANGED = [
    (plain, "permutation", ("0", "4")),
    (plain, "rescaling", ("0", "4")),
    (plain, "input_shift", ("0",)),
    (normalised, "permutation", ("0", "3")),
    (normalised, "rescaling", ("1", "4")),  # the normalisation takes the scale of what it gets away
    (normalised, "input_shift", ("0",)),
    (depthwise, "permutation", ("0", "4")),
    (depthwise, "rescaling", ("2", "4")),
    (depthwise, "input_shift", ("0",)),
    (Residual, "permutation", ("first",)),  # the stem's output goes two ways, the second's is added to it
    (Residual, "rescaling", ("norm",)),
    (Residual, "input_shift", ("stem",)),
    (connected, "permutation", ("1", "3")),
    (connected, "rescaling", ("1", "3")),
    (connected, "input_shift", ("1",)),
    (smooth, "permutation", ("0", "2")),
    (smooth, "rescaling", ()),  # GELU(2x) is not 2 GELU(x)
    (smooth, "input_shift", ("0",)),
    (grouped, "permutation", ("5",)),
    (grouped, "rescaling", ("3", "5")),  # the grouped convolution in between is scaled, channel by channel
    (Twice, "permutation", ()),
    (Twice, "rescaling", ()),
    (ChannelsLast, "permutation", ()),
    (ChannelsLast, "rescaling", ()),
    (logistic, "permutation", ()),
    (logistic, "rescaling", ()),
    (logistic, "input_shift", ("1",)),
    (normalised_images, "permutation", ("1",)),
    (normalised_images, "input_shift", ()),
]


@pytest.mark.parametrize(("make", "kind", "changed"), CHANGED)
def test_what_can_be_changed_is_changed_and_the_function_stays(
    make: Callable[[], nn.Module], kind: str, changed: tuple[str, ...]
) -> None:
    model = made(make)
    symmetry = Symmetry(model, kind, seed=3, images=IMAGES)
    assert symmetry.changed == changed
    if changed:
        assert_equivalent(model, symmetry, IMAGES)
        assert differing(model, symmetry.only().model)
    elif kind != "input_shift":
        assert not differing(model, symmetry.only().model)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        *((small_transformer, kind) for kind in KINDS),  # rescaled in its LayerNorms
        (resnet18, "input_shift"),
        pytest.param(resnet18, "permutation", marks=pytest.mark.slow),
        pytest.param(resnet18, "rescaling", marks=pytest.mark.slow),
    ],
)
def test_networks_of_torchvision_are_changed_and_stay_the_same_function(
    make: Callable[[], nn.Module], kind: str
) -> None:
    model = made(make)
    images = noise(6, 3, 10, 10) if make is small_transformer else noise(6, 3, 64, 64)
    symmetry = Symmetry(model, kind, images=images)
    assert symmetry.changed
    assert_equivalent(model, symmetry, images)
    assert differing(model, symmetry.only().model)


@kinds
@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_the_trained_networks_stay_the_same_function(name: str, kind: str) -> None:
    model, images = load_checkpoint(name), load_batch("mnist", 20).images
    symmetry = Symmetry(model, kind, images=images)
    assert symmetry.changed
    assert_equivalent(model, symmetry, images)
    assert differing(model, symmetry.only().model)


@kinds
def test_the_users_model_is_left_as_found(kind: str) -> None:
    model = made(normalised).train()
    model[1].eval()
    model.get_parameter("0.weight").requires_grad_(False)
    model.get_parameter("0.weight").grad = torch.ones_like(model.get_parameter("0.weight"))
    model[2].register_forward_hook(lambda module, arguments, output: None)
    images = IMAGES.clone()
    with left_as_found(model, images, torch.zeros(12)):
        symmetry = Symmetry(model, kind, images=images)
        bound = symmetry.bind(images, 5)
        gradient(bound.only().model, images, torch.zeros(12).long())
    assert symmetry.changed
    assert symmetry.model is model
    assert symmetry.only().model is not model


@pytest.mark.parametrize("kind", ["permutation", "rescaling"])
def test_another_seed_is_another_draw_and_the_same_seed_the_same(kind: str) -> None:
    model = made(plain)
    first, again, other = (Symmetry(model, kind, seed=seed, images=IMAGES).only().model for seed in (1, 1, 2))
    assert not differing(first, again)
    assert {"0.weight", "4.weight"} <= differing(first, other)


def test_binding_depends_on_the_symmetrys_own_seed_too() -> None:
    # The protocol: "with a seed derived from its own and seed". Otherwise src_profile knows one draw only.
    model = made(plain)
    one, other = (Symmetry(model, "permutation", seed=seed, images=IMAGES).bind(IMAGES, 7) for seed in (1, 2))
    assert differing(one.only().model, other.only().model)


def test_a_permutation_has_the_same_filters_in_another_order() -> None:
    model = made(plain)
    found = Symmetry(model, "permutation", images=IMAGES).only().model
    own, others = (set(map(tuple, each.get_parameter("0.weight").flatten(1).tolist())) for each in (model, found))
    assert own == others


def test_a_rescaling_is_by_powers_of_two_and_exact() -> None:
    # Powers of two cost no digits: float32 logits are the same to the last bit.
    model = made(plain)
    found = Symmetry(model, "rescaling", images=IMAGES).only().model
    factors = (found.get_parameter("0.weight") / model.get_parameter("0.weight")).flatten(1)
    assert set(factors.flatten().tolist()) <= {0.25, 0.5, 2.0, 4.0}
    assert torch.equal(factors, factors[:, :1].expand_as(factors))
    assert torch.equal(logits_of(found, IMAGES), logits_of(model, IMAGES))


def literally_permuted(model: nn.Module, order: list[int]) -> nn.Module:
    """Return a conv, ReLU, flatten, linear network with its channels in another order, weight by weight."""
    first, last = nn.Conv2d(1, 5, 3), nn.Linear(5 * 9, 3)
    own = dict(model.named_parameters())
    with torch.no_grad():
        for new, old in enumerate(order):
            first.weight[new] = own["0.weight"][old]
            first.bias[new] = own["0.bias"][old]  # type: ignore[index]
            for output in range(3):
                for position in range(9):
                    last.weight[output, new * 9 + position] = own["3.weight"][output, old * 9 + position]
        last.bias.copy_(own["3.bias"])
    return nn.Sequential(first, nn.ReLU(), nn.Flatten(), last).eval()


@pytest.mark.parametrize("method", [gradient, gradcam])
def test_a_network_permuted_by_hand_is_the_one_found_and_its_maps_are_the_same(
    method: Callable[..., torch.Tensor],
) -> None:
    model = made(lambda: nn.Sequential(nn.Conv2d(1, 5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 9, 3)))
    images, targets = noise(7, 1, 5, 5), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    found = Symmetry(model, "permutation", seed=1, images=images).only().model
    order = [model.get_parameter("0.bias").tolist().index(bias) for bias in found.get_parameter("0.bias").tolist()]
    assert order != sorted(order)
    by_hand = literally_permuted(model, order)
    assert not differing(by_hand, found)
    maps = method(model, images, targets)
    torch.testing.assert_close(method(by_hand, images, targets), maps, atol=1e-6, rtol=1e-5)


CONVOLUTIONS = [
    {"padding": 0},
    {"padding": 2},
    {"padding": (1, 3)},
    {"padding": "same"},
    {"padding": "valid"},
    {"padding": 1, "stride": 2},
    {"padding": "same", "dilation": 2},
    {"padding": 3, "dilation": 3, "stride": 2, "bias": False},
    {"padding": 1, "groups": 3},
    {"padding": 1, "padding_mode": "reflect"},
    {"padding": 2, "padding_mode": "replicate"},
    {"padding": 2, "padding_mode": "circular"},
]


@pytest.mark.parametrize("how", CONVOLUTIONS, ids=lambda how: "-".join(f"{key}={how[key]}" for key in how))
def test_a_shift_is_absorbed_up_to_the_border(how: dict[str, object]) -> None:
    # Every position of the first layer, border included, goes into the logits.
    def network() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 6, 3, **how), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4))  # type: ignore[arg-type]

    model = made(lambda: lazily(network()))
    symmetry = Symmetry(model, "input_shift", images=IMAGES)
    assert symmetry.changed == ("0",)
    assert symmetry.shift == pytest.approx(float(IMAGES.max() - IMAGES.min()))
    assert_equivalent(model, symmetry, IMAGES)
    first, shifted = (each.get_submodule("0") for each in (model, symmetry.only().model))
    torch.testing.assert_close(shifted(IMAGES + symmetry.shift), first(IMAGES), atol=1e-4, rtol=0)


def lazily(model: nn.Module) -> nn.Module:
    with torch.no_grad():
        model(IMAGES)
    return model


def test_a_shift_that_a_normalisation_of_the_images_would_see_is_none() -> None:
    symmetry = Symmetry(made(normalised_images), "input_shift", images=IMAGES)
    assert symmetry.changed == ()


def test_the_function_stays_on_all_images_and_not_on_the_first_few_only() -> None:
    # A ReLU6 is a ReLU for small values, and clips large ones: the last images show it, the first do not.
    model = made(
        lambda: nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU6(), nn.Flatten(), nn.Linear(6 * 64, 8), nn.Linear(8, 4))
    )
    images = torch.cat([0.1 * IMAGES[:6], 5 * IMAGES[6:]])
    symmetry = Symmetry(model, "rescaling", images=images)
    assert_equivalent(model, symmetry, images)
    assert "0" not in symmetry.changed


def test_a_network_of_two_precisions_keeps_both() -> None:
    model = made(connected)
    model[5].double()
    model.insert(5, AsDouble())
    symmetry = Symmetry(model, "permutation", images=IMAGES)
    own = [parameter.dtype for parameter in model.parameters()]
    assert [parameter.dtype for parameter in symmetry.only().model.parameters()] == own


class AsDouble(nn.Module):
    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.double()


@kinds
def test_a_layer_with_computed_weights_is_left_alone_or_right(kind: str) -> None:
    model = made(parametrised)
    symmetry = Symmetry(model, kind, images=IMAGES)
    if symmetry.changed:
        assert_equivalent(model, symmetry, IMAGES)


@kinds
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_the_precision_of_the_model_is_kept(kind: str, dtype: torch.dtype) -> None:
    model, images = made(plain).to(dtype), IMAGES.to(dtype)
    symmetry = Symmetry(model, kind, images=images)
    found = symmetry.only().model
    assert symmetry.changed
    assert {parameter.dtype for parameter in found.parameters()} == {dtype}
    expected = logits_of(model, images).double()
    off = (logits_of(found, images + symmetry.shift).double() - expected).abs().max()
    # A few steps of the type's own rounding; the shift is several times the images' own spread.
    assert off <= 50 * torch.finfo(dtype).eps * (expected.max() - expected.min())


@kinds
def test_an_equivalent_model_can_be_copied_as_libraries_do(kind: str) -> None:
    symmetry = Symmetry(made(plain), kind, images=IMAGES)
    stage = symmetry.only()
    copied = copy.deepcopy(stage.model)
    shifted = IMAGES + stage.shift
    assert torch.equal(logits_of(copied, shifted), logits_of(stage.model, shifted))
    with torch.no_grad():
        copied.get_parameter("0.bias").add_(1)  # what is done to the copy stays there
    assert not torch.equal(logits_of(copied, shifted), logits_of(stage.model, shifted))
