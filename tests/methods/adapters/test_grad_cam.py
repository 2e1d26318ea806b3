"""pytorch-grad-cam: the library's own maps, before it scales and enlarges them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from support.libraries import GRAD_CAM, TARGETS, Net, by_grad_cam, maps_of
from support.maps import assert_same
from torch import nn

from pytest_saliency_sanity.methods.adapters.grad_cam import as_grid


@pytest.mark.parametrize("name", GRAD_CAM)
def test_scaled_and_enlarged_it_is_pytorch_grad_cams(name: str, images: torch.Tensor) -> None:
    expected = by_grad_cam(name, "relu2")(Net(), images.clone(), TARGETS).numpy()
    native = maps_of(f"grad_cam:{name}:relu2", Net(), images)
    assert native.shape == (4, 7, 7), "the resolution of the layer"
    assert native.min() >= 0
    # As the library goes on: scaled one by one, enlarged, and scaled again.
    ours = scale_cam_image(scale_cam_image(native.numpy(), (20, 20)))
    assert expected.max() > 0.9
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_full_grad_is_at_the_images_resolution_as_the_library_makes_it(images: torch.Tensor) -> None:
    expected = by_grad_cam("FullGrad", "")(Net(), images.clone(), TARGETS)
    assert_same(maps_of("grad_cam:FullGrad", Net(), images), expected)


@pytest.mark.parametrize("keywords", ["aug_smooth=True", "eigen_smooth=True"])
def test_keywords_of_a_grad_cam_call_reach_it(keywords: str, images: torch.Tensor) -> None:
    plain = maps_of("grad_cam:GradCAM:relu2", Net(), images)
    smooth = maps_of(f"grad_cam:GradCAM:relu2?{keywords}", Net(), images)
    assert plain.shape != smooth.shape or not torch.allclose(plain, smooth)


class Tokens(nn.Module):
    """A small vision transformer: patches of 5 x 5, and two tokens before them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, 8, 5, 5)
        self.first = nn.Parameter(torch.randn(2, 8))
        self.norm = nn.LayerNorm(8)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.first.expand(len(images), -1, -1), tokens], 1)
        return self.head(self.block(self.norm(tokens))[:, 0])  # type: ignore[no-any-return]


def test_tokens_are_read_as_the_grid_of_their_patches(images: torch.Tensor) -> None:
    model = Tokens().eval()
    kept: list[torch.Tensor] = []
    hook = model.norm.register_forward_hook(lambda module, given, output: kept.append(output))
    scores = model(images.clone().requires_grad_()).gather(1, TARGETS[:, None]).sum()
    hook.remove()
    (gradients,) = torch.autograd.grad(scores, kept)
    expected = torch.zeros(4, 4, 4)  # Selvaraju et al. (2017), equations 1 and 2, patch by patch
    for image in range(4):
        weights = gradients[image, 2:].mean(0)
        for patch in range(16):
            expected[image, patch // 4, patch % 4] = (weights @ kept[0][image, 2 + patch]).clamp(min=0)
    assert expected.sum() > 0
    assert_same(maps_of("grad_cam:GradCAM:norm", model, images), expected.detach())


@pytest.mark.parametrize("name", [*GRAD_CAM, "ScoreCAM"])
def test_the_grid_has_the_shape_of_the_image(name: str) -> None:
    model, images = Tokens().eval(), torch.rand(4, 3, 20, 60)
    assert maps_of(f"grad_cam:{name}:norm", model, images).shape == (4, 4, 12)


def test_tokens_that_are_no_grid_are_an_error(images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"\(4, 18, 8\) is no grid of square patches of an image 700 x 3"):
        as_grid(torch.rand(4, 18, 8), 700, 3)
    with pytest.raises(ValueError, match="is no grid"):
        as_grid(torch.rand(4, 16 * 16 + 17, 8), 64, 64)
    assert as_grid(torch.rand(4, 16 * 16 + 16, 8), 64, 64).shape == (4, 8, 16, 16)
