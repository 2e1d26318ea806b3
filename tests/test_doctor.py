"""``doctor`` says what will be asked of a method on a network, and what is in the way."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from pytest_saliency_sanity import gradient
from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.api import check_method
from pytest_saliency_sanity.measuring import original

NETS = """
import torch
from torch import nn
from pytest_saliency_sanity import Batch, Logits

def layers(channels):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 3),
    )

def color(): return layers(3)
def gray(): return layers(1)
def grays(): return Batch(torch.randn(12, 1, 32, 32))
def large(): return Batch(torch.randn(12, 3, 96, 96))
def words(): return nn.Embedding(10, 3)
def maps(): return layers(3)[:2]
def one_class():
    model = layers(3)
    nn.init.constant_(model[-1].bias.data[:1], 9)
    return model
def died_out():
    model = layers(3)
    nn.init.constant_(model[-1].weight, 1e-9)
    return model
def linear(): return nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 3))
def one_logit(): return nn.Sequential(layers(3), nn.Linear(3, 1))
def in_half_precision(): return layers(3).bfloat16()
def few(): return Batch(torch.randn(9, 3, 64, 64))
def flat(): return Batch(torch.randn(9, 3))
def opens_a_file(): return torch.load("nowhere.pt")
class Attending(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches, self.attention, self.head = nn.Conv2d(3, 8, 8, 8), nn.MultiheadAttention(8, 2), nn.Linear(8, 3)
        self.attention_too = nn.MultiheadAttention(8, 2)
    def forward(self, images):
        tokens = self.patches(images).flatten(2).permute(2, 0, 1)
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        return self.head((tokens + self.attention_too(tokens, tokens, tokens)[0]).mean(0))
def attending():
    torch.manual_seed(0)
    return Attending()
number = 3
"""


@pytest.fixture(autouse=True)
def _nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_to_examine.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "nets_to_examine", raising=False)


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    """Return what ``doctor`` prints."""
    assert main(["doctor", *arguments]) == status
    return capsys.readouterr().out


def test_a_shipped_network_is_asked_what_the_suite_asks(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=alexnet")
    assert "alexnet: AlexNet, 1,015,711 parameters, float32, on cpu\n  images: 3 x 64 x 64\n" in out
    assert "randomised in 8 stages, from classifier.6 to features.0; its classifier is classifier.1, cl" in out
    assert "gradcam:\n  looks at the layer features.10\n  maps 3 x 3, " in out
    (skipped,) = (line for line in out.splitlines() if "skipped" in line)
    assert "localization: no scenes for a network like alexnet: to run this check, override the fixture" in skipped


@pytest.mark.slow
def test_what_is_asked_and_skipped_is_what_check_method_asks_and_skips(capsys: pytest.CaptureFixture[str]) -> None:
    model = "nets_to_examine:color"
    out = told(capsys, f"--saliency-model={model}", "--saliency-method=gradient")
    results = check_method("gradient", models=[model], images=10, explain=False)
    asked = out.partition(" questions")[2].splitlines()[1].strip().split(", ")
    assert asked == [each.check for each in results if not each.not_asked]
    assert {f"  skipped: {each.check}: {each.not_asked}" for each in results if each.not_asked} == {
        line for line in out.splitlines() if "skipped" in line
    }
    assert "packaged digits: to show it images of its own, override the fixture saliency_batch" in out
    assert "looks at" not in out


def test_a_network_that_can_not_be_rewritten_says_so_beforehand(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=nets_to_examine:linear", "--saliency-method=gradient")
    assert "skipped: symmetry[permutation]: nets_to_examine:linear has no layers that can be changed without" in out


def test_images_that_do_not_fit_are_told_with_those_that_do(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=nets_to_examine:gray", status=1)
    assert "it can't be run on images 3 x 64 x 64: RuntimeError: " in out
    assert "it takes images 1 x 224 x 224: to give such, override the fixture saliency_batch" in out
    assert out.endswith("Nothing can be asked.\n")
    out = told(capsys, "--saliency-model=nets_to_examine:gray", "--saliency-data=nets_to_examine:grays")
    assert "  images: 1 x 32 x 32\n" in out
    # Also a shipped network is shown what is given, and its maps are those of it.
    out = told(
        capsys, "--saliency-model=alexnet", "--saliency-data=nets_to_examine:large", "--saliency-method=gradient"
    )
    assert "  maps 3 x 96 x 96, " in out


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("words", "it takes no images of a usual size, or returns no logits: wrap it so that it does"),
        ("maps", "make scores of maps"),
    ],
)
def test_what_is_no_classifier_of_images_is_told_what_to_do(
    network: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in told(capsys, f"--saliency-model=nets_to_examine:{network}", status=1)


def test_a_network_that_predicts_one_class_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=nets_to_examine:one_class", "--saliency-method=gradient")
    assert "logits of 3 classes; 1 of them predicted for the first 10 images\n  warning: it predicts one class" in out


def test_a_network_whose_signal_died_out_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=nets_to_examine:died_out", "--saliency-method=gradient")
    assert "warning: its logits hardly differ from image to image, so there is nothing to explain" in out


def test_a_single_logit_is_told_how_to_become_two_classes(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=nets_to_examine:one_logit", status=1)
    assert "  it has one class only: pytest_saliency_sanity.Logits(model) makes two of a single logit\n" in out


def test_a_network_in_half_precision_is_randomised_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=nets_to_examine:in_half_precision", "--saliency-method=gradient")
    assert "randomised in 3 stages, from 6 to 0; its classifier is 6" in out


def test_a_layer_before_all_attention_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=nets_to_examine:attending")
    assert "  looks at the layer patches\n  warning: that is before all attention" in out
    assert "before all attention" not in told(capsys, "--saliency-model=alexnet")


def test_too_few_images_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=alexnet", "--saliency-data=nets_to_examine:few", status=1)
    assert out.endswith("  there are 9 images: give at least 10\nNothing can be asked.\n")


def test_what_the_first_call_in_a_process_sets_up_is_not_the_method_s_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = SimpleNamespace(now=0.0, calls=0)

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        clock.now += 0.1 if clock.calls else 2
        clock.calls += 1
        return gradient(model, images, targets)

    monkeypatch.setitem(sys.modules, "setting_up", SimpleNamespace(method=method))
    monkeypatch.setattr(original, "perf_counter", lambda: clock.now)
    out = told(capsys, "--saliency-model=nets_to_examine:color", "--saliency-method=setting_up:method")
    assert ", 0.01 s an explanation\n" in out  # of ten images


def test_a_factory_that_takes_long_is_warned_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_saliency_sanity.doctor.LONG_TO_MAKE", -1.0)
    out = told(capsys, "--saliency-model=nets_to_examine:color", "--saliency-method=gradient")
    assert "in every run and every worker: save its weights once, and let the factory load them" in out


def test_a_method_that_raises_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "--saliency-model=nets_to_examine:linear", status=1)
    assert "has no convolution with more than one position: name a layer" in out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--saliency-model=alexnt",), "unknown model 'alexnt' (did you mean 'alexnet'"),
        (("--saliency-model=alexnet", "--saliency-method=gradcm"), "unknown method 'gradcm'"),
        (("--saliency-model=nets_to_examine:none",), "has no attribute 'none'"),
        (("--saliency-model=no_such_module:net",), "No module named 'no_such_module'"),
        (("--saliency-model=nets_to_examine:number",), "neither a network nor a function that returns one"),
        (("--saliency-model=alexnet", "--saliency-data=nets_to_examine:number"), "gives int, not a pytest_saliency_"),
        (
            ("--saliency-model=alexnet", "--saliency-method=mine"),
            "; instead of a name that a conftest gives, give the i",
        ),
        (("--saliency-model=nets_to_examine:opens_a_file",), "making it raised FileNotFoundError: "),
        (("--saliency-model=nets_to_examine:layers",), "missing a required argument: 'channels'. Give arguments after"),
        (("--saliency-model=alexnet", "--saliency-data=nets_to_examine:flat"), "got (9, 3), in "),
        (("--saliency-model=nets_to_examine:color?path=a/b",), "contains '/', which no spec may contain; name a funct"),
        (("--saliency-model=alexnet", "--saliency-preset=embeded"), "unknown preset 'embeded'"),
    ],
)
def test_what_can_not_be_had_is_an_error_of_the_command(
    arguments: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["doctor", *arguments])
    assert left.value.code == 2
    assert error in capsys.readouterr().err
