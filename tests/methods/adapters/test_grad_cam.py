"""pytorch-grad-cam: the library's own maps, before it scales and enlarges them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from support.libraries import GRAD_CAM, TARGETS, Net, by_grad_cam, maps_of
from support.maps import assert_same


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
