"""What is timed: a top-down cascade over all layers of a network, with one draw of weights; and how we do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import Batch, gradcam, gradient, load_checkpoint, smoothgrad, src_profile
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.interventions.cascade import CascadingRandomizer
from pytest_saliency_sanity.measuring.profile import SrcProfile
from pytest_saliency_sanity.measuring.src import At
from pytest_saliency_sanity.methods.protocol import SaliencyMethod

SAMPLES = 20  # SmoothGrad's n
NOISE = 0.2  # of an image's range
JUDGED = ("classifier", "last")
METHODS: Mapping[str, SaliencyMethod] = {"gradcam": gradcam, "gradient": gradient, "smoothgrad": smoothgrad}
TITLES = {"alexnet": "AlexNet", "vgg11": "VGG11", "gradcam": "Grad-CAM", "gradient": "gradient"}
# The activations of the last convolution, which gradcam explains by default.
LAYERS = {"alexnet": "features.11", "vgg11": "features.19"}


@dataclass(frozen=True)
class Job:
    """A method, a network and how many images of which size. ``trained``: the shipped network for digits."""

    network: str
    method: str
    images: int
    size: int = 224
    trained: bool = False

    @property
    def name(self) -> str:
        """What the job is asked for by."""
        return f"{self.network}-{self.method}"

    @property
    def samples(self) -> int:
        """How many noisy copies of each image are explained."""
        return SAMPLES if self.method == "smoothgrad" else 1

    def __str__(self) -> str:
        method = TITLES.get(self.method, f"SmoothGrad n = {SAMPLES}")
        return f"{TITLES[self.network]}, {method}, {self.images} images"


JOBS = (
    Job("alexnet", "gradcam", 20),
    Job("alexnet", "gradient", 20),
    Job("alexnet", "smoothgrad", 4),
    Job("vgg11", "gradcam", 8),
    Job("vgg11", "gradient", 4),
)
LARGE = Job("vgg11", "smoothgrad", 20)  # its memory, at one stage


def small(job: Job) -> Job:
    """Return the job at a size that takes a second."""
    return replace(job, images=2, size=64, trained=True)


@dataclass(frozen=True, eq=False)
class Workload:
    """A job with its network, its images ``(N, 3, H, W)`` and the classes to explain, the predicted ones."""

    job: Job
    model: nn.Module
    images: torch.Tensor
    targets: torch.Tensor

    @property
    def layer(self) -> str:
        """The name of the module whose output Grad-CAM explains."""
        return LAYERS[self.job.network]

    @property
    def device(self) -> torch.device:
        """Where the job is done."""
        return self.images.device


def workload_of(job: Job, device: str = "cpu") -> Workload:
    """Return what a job needs, the same each time."""
    model = load_checkpoint(job.network) if job.trained else untrained(job.network)
    model = model.to(device)
    images = smooth_noise(job.images, job.size).to(device)
    return Workload(job, model, images, logits_of(model, images).argmax(1))


@cache
def untrained(network: str) -> nn.Module:
    """Return a network of torchvision with weights after Kaiming, which keep the size of activations up to the top."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: nn.Module = getattr(torchvision.models, network)(weights=None)
        for module in model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)
    return model.eval()


def smooth_noise(count: int, size: int) -> torch.Tensor:
    """Return images ``(count, 3, size, size)`` of noise smoothed over 9 x 9 pixels, of mean 0 and deviation 1."""
    noise = torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(0))
    smoothed = F.avg_pool2d(noise, 9, stride=1, padding=4)
    return (smoothed - smoothed.mean()) / smoothed.std()


def randomizer_of(workload: Workload) -> CascadingRandomizer:
    """Return the cascade in which each layer initialises itself anew, as it does in every library."""
    return CascadingRandomizer(workload.model, law="reinit")


def ours(workload: Workload, at: At = "every") -> SrcProfile:
    """Return the profile of a job."""
    return src_profile(
        METHODS[workload.job.method],
        workload.model,
        Batch(workload.images, workload.targets),
        randomization=randomizer_of(workload),
        at=at,
        seeds=1,
    )


def judged(workload: Workload) -> SrcProfile:
    """Return the profile of the stages that the check judges."""
    return ours(workload, JUDGED)
