"""The presets, as a user of the command line meets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.images import photographs

# The networks of the paper, narrow and trained for one epoch: the same way, in seconds.
NARROW = """
from dataclasses import replace
from pytest_saliency_sanity.foundation import displays
from pytest_saliency_sanity.networks.presets.paper import recipes
displays.INTERVAL = 0.0
recipe = replace(recipes.RECIPE, width=0.05, target=0.0, least_epochs=1)
recipes.FAMILY = replace(recipes.FAMILY, recipe=recipe)
"""
ONE = ["--saliency-method=gradcam", "--saliency-model=alexnet", "--saliency-check=repeatability"]


@pytest.mark.slow
def test_the_networks_of_the_paper_are_trained_on_first_use_in_plain_sight(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(NARROW)
    cache = pytester.path / "cache"
    first, second = (
        pytester.runpytest_subprocess("--saliency-preset=paper", f"--saliency-cache-dir={cache}", *ONE) for _ in "12"
    )
    assert "preset paper" in first.stdout.str()
    assert "saliency-sanity: alexnet-true, loss=" in first.stdout.str()
    assert "alexnet-true" not in second.stdout.str()
    assert [file.suffix for file in sorted(cache.iterdir())] == [".lock", ".safetensors"]
    lines = [next(line for line in each.outlines if "repeatability" in line) for each in (first, second)]
    assert lines[0] == lines[1]


@pytest.mark.slow
def test_labels_are_randomised_with_the_twin_of_the_same_preset(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(NARROW)
    cache = pytester.path / "cache"
    result = pytester.runpytest_subprocess(
        "--saliency-preset=paper",
        f"--saliency-cache-dir={cache}",
        "--saliency-method=gradient",
        "--saliency-model=alexnet",
        "--saliency-check=label_randomization",
    )
    assert {file.name.rpartition("-")[0] for file in cache.glob("*.safetensors")} == {"alexnet-true", "alexnet-random"}
    assert any(line.startswith("gradient on alexnet: ") for line in result.outlines)


def test_a_cache_that_takes_no_file_is_said_at_once(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest("--saliency-preset=paper", "--saliency-cache-dir=/proc/here", *ONE)
    result.assert_outcomes(errors=1)
    assert "/proc/here can't be written to" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert "fixtures.py" not in result.stdout.str()


@pytest.mark.parametrize("preset", ["embedded", "paper"])
def test_photographs_belong_to_imagenet(pytester: pytest.Pytester, preset: str) -> None:
    folder = photographs(pytester.path / "images", 1)
    result = pytester.runpytest(f"--saliency-preset={preset}", f"--saliency-data={folder}", *ONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert f"--saliency-data is for --saliency-preset=imagenet, not {preset}" in result.stderr.str()


def test_a_folder_without_images_is_a_usage_error(pytester: pytest.Pytester) -> None:
    (pytester.path / "empty").mkdir()
    result = pytester.runpytest("--saliency-preset=imagenet", "--saliency-data=empty", *ONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--saliency-data: empty has no images: no file ends in .jpg" in result.stderr.str()


def test_more_images_than_there_are_is_a_usage_error(pytester: pytest.Pytester) -> None:
    photographs(pytester.path / "images", 12)
    result = pytester.runpytest("--saliency-preset=imagenet", "--saliency-data=images", "--saliency-images=13", *ONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "images has 12 images: n is a whole number from 1 to that, not 13" in result.stderr.str()


@pytest.fixture(scope="module")
def alexnet_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of torchvision's AlexNet with weights that let signal through."""
    torchvision = pytest.importorskip("torchvision")
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torchvision.models.alexnet()
        for weight in network.parameters():
            if weight.ndim > 1:
                torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
    file = tmp_path_factory.mktemp("weights") / "alexnet.safetensors"
    save_file(network.state_dict(), file)
    return file


def test_imagenet_looks_at_the_photographs_with_the_weights_of_the_file(
    pytester: pytest.Pytester, alexnet_weights: Path
) -> None:
    photographs(pytester.path / "images", 10)
    result = pytester.runpytest(
        "--saliency-preset=imagenet",
        f"--saliency-weights=alexnet={alexnet_weights}",
        "--saliency-data=images",
        "--saliency-check=label_randomization",
        *ONE,
    )
    result.assert_outcomes(passed=1, errors=1)
    assert "preset imagenet, tier gate; up to 10 of its images" in result.stdout.str()
    # Nothing memorised random labels here, and it was asked for by name.
    assert "no network like alexnet that memorised random labels" in result.stdout.str()
