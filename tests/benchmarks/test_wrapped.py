"""Methods of libraries that no spec reaches give the maps of the class that is asked for."""

from __future__ import annotations

import pytest
import torch
import wrapped
from support.skips import needs
from torch import nn

from pytest_saliency_sanity import load_checkpoint
from pytest_saliency_sanity.data.mnist import load_held_out
from pytest_saliency_sanity.foundation.randomness import isolated_streams
from pytest_saliency_sanity.methods.gradcam import gradcam
from pytest_saliency_sanity.methods.resolve import resolve_method

# shap changes colour maps, which matplotlib wants unchanged.
pytestmark = pytest.mark.filterwarnings("ignore:The set_:PendingDeprecationWarning")
IMAGES = load_held_out(3).images
TARGETS = torch.tensor([1, 4, 7])


class Brightness(nn.Module):
    """Scores of two classes: the sum of the image's upper half, and of its lower half."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        half = images.shape[2] // 2
        upper, lower = (rows.flatten(1).sum(1) for rows in (images[:, :, :half], images[:, :, half:]))
        return torch.stack([upper, lower], 1) * self.weight


@pytest.mark.parametrize("name", ["feature_ablation", "shapley_value_sampling", "kernel_shap", "lime"])
def test_methods_on_a_grid_find_the_half_that_decides(name: str) -> None:
    with isolated_streams(0):  # they sample; what they estimate is near the truth, how near depends on the draws
        maps = getattr(wrapped, name)(Brightness(), IMAGES, torch.tensor([0, 1, 0]))
    assert maps.shape == (3, 8, 8)
    upper, lower = maps[:, :4].abs().sum((1, 2)), maps[:, 4:].abs().sum((1, 2))
    assert ((upper > 10 * lower) == torch.tensor([True, False, True])).all()
    if name != "lime":  # Lime weighs samples by their likeness, and keeps coefficients small
        black = (IMAGES - wrapped.BLACK).view(3, 3, 8, 8, 8, 8).sum((1, 3, 5))
        torch.testing.assert_close(maps[0, :4], black[0, :4], rtol=0.02, atol=0.5)


@pytest.mark.parametrize(
    "name",
    [
        "deep_lift_shap",
        pytest.param("shap_gradient", marks=needs("shap")),
        pytest.param("shap_deep", marks=needs("shap")),
        pytest.param("shap_partition", marks=[needs("shap"), pytest.mark.slow]),
    ],
)
def test_methods_with_baselines_explain_each_image_for_its_class(name: str) -> None:
    method = resolve_method(f"wrapped:{name}")
    model = load_checkpoint("alexnet")
    maps = method(model, IMAGES, TARGETS)
    assert isinstance(maps, torch.Tensor)
    assert maps.shape == IMAGES.shape
    alone = method(model, IMAGES[1:2], TARGETS[1:2])
    torch.testing.assert_close(maps[1:2], alone, rtol=1e-3, atol=1e-4)
    other = method(model, IMAGES[1:2], TARGETS[:1])
    assert (other - alone).abs().max() > 0.01 * alone.abs().max()


@needs("explainiverse")
def test_grad_cam_of_explainiverse_is_grad_cam() -> None:
    model = load_checkpoint("vgg11")
    maps = wrapped.explainiverse_gradcam(model, IMAGES, TARGETS)
    ours = gradcam(model, IMAGES, TARGETS)
    lowest, highest = ours.amin((1, 2), keepdim=True), ours.amax((1, 2), keepdim=True)
    torch.testing.assert_close(maps, (ours - lowest) / (highest - lowest), rtol=1e-3, atol=1e-4)
