"""Devices: what a name means, and the same answers on a GPU."""

from __future__ import annotations

import pytest
import torch

from pytest_saliency_sanity import Batch, gradcam, load_batch, load_checkpoint, smoothgrad, src_profile
from pytest_saliency_sanity.foundation.devices import resolve_device
from pytest_saliency_sanity.methods.protocol import SaliencyMethod

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device; this machine has none")


def test_auto_is_cuda_where_there_is_one() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_cuda_device_that_does_not_exist_is_an_error_that_counts_them() -> None:
    with pytest.raises(ValueError, match=r"no device 'cuda:99': this machine has (no|\d+) CUDA device"):
        resolve_device("cuda:99")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has Metal")
def test_mps_without_metal_is_an_error() -> None:
    with pytest.raises(ValueError, match="no Metal"):
        resolve_device("mps")


@needs_cuda
@pytest.mark.saliency_gpu
@pytest.mark.parametrize("method", [gradcam, smoothgrad])
def test_the_cascade_has_the_same_srcs_on_cuda_up_to_rounding(method: SaliencyMethod) -> None:
    images = load_batch("mnist", 20).images
    model = load_checkpoint("alexnet")
    on_cpu = src_profile(method, model, Batch(images), at="classifier", seeds=2)
    on_cuda = src_profile(method, model.to("cuda"), Batch(images), at="classifier", seeds=2)
    # The weights are drawn on the CPU, so they are the same; convolutions round otherwise, which can swap close ranks.
    torch.testing.assert_close(torch.tensor(on_cuda.src), torch.tensor(on_cpu.src), atol=0.02, rtol=0, equal_nan=True)
