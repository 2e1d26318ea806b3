"""zennit: the library's own maps, of composites and of attributors."""

from __future__ import annotations

import pytest
import torch
import zennit.attribution
from support.libraries import CLASSES, NATIVE, TARGETS, Net, assert_native, maps_of
from support.maps import assert_same


@pytest.mark.parametrize("spec", [spec for spec in NATIVE if spec.startswith("zennit:")])
def test_the_maps_are_the_librarys_own(spec: str, images: torch.Tensor) -> None:
    assert_native(spec, images)


def test_zennits_occlusion_looks_at_the_score_of_the_class(images: torch.Tensor) -> None:
    # By hand: the class's logit, with all but a window of the image at 0.
    def score(output: torch.Tensor) -> torch.Tensor:
        return output * torch.eye(CLASSES)[TARGETS]

    expected = zennit.attribution.Occlusion(Net(), window=4, stride=4)(images.clone(), score)[1]
    assert_same(maps_of("zennit:Occlusion?window=4&stride=4", Net(), images), expected)
