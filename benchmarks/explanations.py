"""Measure why some known answers are not what an expert expects; prints the figures of ``known_methods.EXPLAINED``.

    python benchmarks/explanations.py

Takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from known_methods import BLACK
from torch import nn

from pytest_saliency_sanity import load_checkpoint, spearman
from pytest_saliency_sanity.data.mnist import load_held_out
from pytest_saliency_sanity.data.scenes import Scenes, load_scenes
from pytest_saliency_sanity.interventions.cascade import CascadingRandomizer
from pytest_saliency_sanity.interventions.null_region import random_mask, with_null_region
from pytest_saliency_sanity.measuring.localization import mass_inside, mass_outside
from pytest_saliency_sanity.measuring.maps import reduced
from pytest_saliency_sanity.methods.resolve import resolve_method

COUNT = 40
RELEVANCES = ("zennit:EpsilonPlus", "zennit:EpsilonAlpha2Beta1", "zennit:ExcitationBackprop")


def main() -> None:
    for measure in (
        hidden_pixels,
        pooled_signal,
        other_class,
        channels,
        baselines,
        projections,
        negative_relevance,
        convergence,
        gates,
        coefficients,
        constants,
    ):
        print(f"{measure.__doc__}")
        for line in measure():
            print(f"  {line}", flush=True)


def explained(method: str, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return a method's maps ``(N, h, w)``, channels summed."""
    found = resolve_method(method)(model, images, targets)
    assert isinstance(found, torch.Tensor)
    return reduced(found.detach(), "signed")


def scenes() -> tuple[nn.Module, Scenes, torch.Tensor]:
    """Return the residual network, scenes and the classes of their objects."""
    found = load_scenes(COUNT)
    assert found.batch.targets is not None
    return load_checkpoint("resnet"), found, found.batch.targets


def on_object(maps: torch.Tensor, found: Scenes) -> float:
    """Return the mean share on the object, of what lies on the object and on clutter."""
    inside, outside = mass_inside(maps, found.objects), mass_inside(maps, found.clutter)
    return float((inside / (inside + outside)).nanmean())


def hidden_pixels() -> Iterator[str]:
    """Mass of Grad-CAM that the network does not see, with grey (0) and black for what is hidden: all cells outside."""
    for name in ("alexnet", "vgg11", "resnet"):
        model = load_checkpoint(name)
        images = (load_scenes(COUNT).batch if name == "resnet" else load_held_out(COUNT)).images
        for constant in (0.0, BLACK):
            shares = []
            for seed in range(8):
                mask = random_mask(64, 64, torch.Generator("cpu").manual_seed(seed))
                for inside in (mask, ~mask):
                    hidden = with_null_region(model, inside, constant)
                    with torch.no_grad():
                        targets = hidden(images).argmax(1)
                    maps = explained("gradcam", hidden, images, targets)
                    shares.append(mass_outside(maps, inside).nanmean())
            yield f"{name}, {'grey' if constant == 0 else 'black'}: {float(torch.stack(shares).nanmean()):.2f}"


def pooled_signal() -> Iterator[str]:
    """Cosine of the deconvolution's signals of two images for the same class, behind the residual network's pooling."""
    from zennit.composites import DeconvNet

    model, found, _ = scenes()
    with DeconvNet().context(model) as modified:
        pooled = modified.features[:4](found.batch.images).detach().requires_grad_()
        features = modified.features[4:](pooled)
        logits = modified.classifier(modified.avgpool(features).flatten(1))
        (signal,) = torch.autograd.grad(logits[:, 0].sum(), pooled)
    yield f"{float(nn.functional.cosine_similarity(signal[:-1].flatten(1), signal[1:].flatten(1)).min()):.6f} at least"


def other_class() -> Iterator[str]:
    """SRC of the maps of one image for two classes, as given, without the rounding and the draws of the check."""
    for name in ("alexnet", "vgg11", "resnet"):
        model = load_checkpoint(name)
        images = (load_scenes(COUNT).batch if name == "resnet" else load_held_out(COUNT)).images
        with torch.no_grad():
            targets = model(images).argmax(1)
        for method in ("grad_cam:FullGrad", "methods:gradient_magnitude"):
            maps, others = (explained(method, model, images, of) for of in (targets, (targets + 1) % 10))
            yield f"{name}, {method}: {float(spearman(maps, others).nanmean()):.3f}"


def channels() -> Iterator[str]:
    """SRC of FullGrad's maps for two classes on the residual network: channels as they are, and each scaled to 1."""
    model, found, targets = scenes()
    for kind, scale in (("as they are", False), ("each scaled", True)):
        maps, others = (full_gradients(model, found.batch.images, of, scale) for of in (targets, (targets + 1) % 10))
        yield f"{kind}: {float(spearman(maps, others).nanmean()):.3f}"


def full_gradients(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, scale: bool) -> torch.Tensor:
    """Return FullGrad's maps ``(N, H, W)`` (Srinivas and Fleuret 2019, equation 6), from BatchNorm's implicit biases.

    ``scale``: scale the map of each channel to 0 to 1, as pytorch-grad-cam does.
    """
    kept: list[tuple[nn.BatchNorm2d, torch.Tensor]] = []

    def keep(module: nn.Module, _: object, output: torch.Tensor) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        output.retain_grad()
        kept.append((module, output))

    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    hooks = [module.register_forward_hook(keep) for module in norms]
    seen = images.clone().requires_grad_()
    model(seen).gather(1, targets[:, None]).sum().backward()
    for hook in hooks:
        hook.remove()
    assert seen.grad is not None
    parts = [(seen.grad * seen).abs()]
    for norm, output in kept:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert output.grad is not None
        bias = norm.bias - norm.weight * norm.running_mean / (norm.running_var + norm.eps).sqrt()
        parts.append((bias.view(1, -1, 1, 1) * output.grad).abs())
    if scale:
        lowest = [part.amin((2, 3), keepdim=True) for part in parts]
        parts = [part - low for part, low in zip(parts, lowest, strict=True)]
        parts = [part / (part.amax((2, 3), keepdim=True) + 1e-7) for part in parts]
    size = images.shape[2:]
    large = [nn.functional.interpolate(part.sum(1, keepdim=True), size, mode="bilinear")[:, 0] for part in parts]
    return torch.stack(large).sum(0).detach()


def baselines() -> Iterator[str]:
    """Share on the object of layer DeepLIFT on the residual network, by what it compares with."""
    model, found, targets = scenes()
    for baseline, colour in ((0, "grey"), (BLACK, "black")):
        maps = explained(f"captum:LayerDeepLift?baselines={baseline}", model, found.batch.images, targets)
        yield f"{colour}: {on_object(maps, found):.2f}"


def projections() -> Iterator[str]:
    """Share on the object of a projection on the first principal component, of its positive and its negative part."""
    from pytorch_grad_cam import EigenGradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    class Kept(EigenGradCAM):  # type: ignore[misc]
        def get_cam_image(self, *arguments: object, **keywords: object) -> object:
            self.projected = super().get_cam_image(*arguments, **keywords)
            return self.projected

    model, found, targets = scenes()
    with Kept(model, [model.get_submodule("features")]) as explainer:
        explainer(found.batch.images, [ClassifierOutputTarget(int(each)) for each in targets])
        maps = torch.as_tensor(explainer.projected)
    for sign, word in ((1, "positive"), (-1, "negative")):
        yield f"{word} part: {on_object((sign * maps).clamp(min=0), found):.2f}"


def negative_relevance() -> Iterator[str]:
    """Share of the relevance that is negative."""
    for name in ("alexnet", "vgg11", "resnet"):
        images = (load_scenes(COUNT).batch if name == "resnet" else load_held_out(COUNT)).images
        for method in RELEVANCES:
            maps = explained(method, load_checkpoint(name), images, torch.zeros(COUNT, dtype=torch.long))
            share = (-maps).clamp(min=0).sum() / maps.abs().sum()
            yield f"{name}, {method}: {float(share):.3f}"


def convergence() -> Iterator[str]:
    """Cosine of excitation backprop's signals of two classes on the residual network, at the output of each block."""
    from zennit.composites import ExcitationBackprop

    model, found, targets = scenes()
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    with ExcitationBackprop().context(model) as modified:
        outputs = [found.batch.images.clone().requires_grad_()]
        for part in modified.features:
            outputs.append(part(outputs[-1]))
        logits = modified.classifier(modified.avgpool(outputs[-1]).flatten(1))
        blocks = outputs[4:][::-1]  # from the last block's to the pooling's
        signals = [
            torch.autograd.grad(logits.gather(1, of[:, None]).sum(), blocks, retain_graph=True)
            for of in (targets, (targets + 1) % 10)
        ]
    for one, other in zip(*signals, strict=True):
        yield f"{float(nn.functional.cosine_similarity(one.flatten(1), other.flatten(1)).mean()):.2f}"


def gates() -> Iterator[str]:
    """SRC of excitation backprop before and after labels were memorised at random, in the first layer and the image."""
    for name in ("alexnet", "vgg11", "resnet"):
        images = (load_scenes(COUNT).batch if name == "resnet" else load_held_out(COUNT)).images
        targets = torch.zeros(COUNT, dtype=torch.long)
        maps, others = (
            explained("zennit:ExcitationBackprop", load_checkpoint(name, labels), images, targets)
            for labels in ("true", "random")
        )
        ink = reduced(images - images.amin(), "signed")
        yield (
            f"{name}: twin {float(spearman(maps, others).nanmean()):.3f}, "
            f"the image's own brightness {float(spearman(maps, ink).nanmean()):.3f}"
        )


def coefficients() -> Iterator[str]:
    """Maps of Lime that are 0 everywhere, of a trained and of a random network; how much the scores vary."""
    images = load_held_out(10).images
    for name in ("alexnet", "vgg11"):
        trained = load_checkpoint(name)
        (stage,) = CascadingRandomizer(trained, images=images).stages(CascadingRandomizer(trained).names("last"))
        for word, model in (("trained", trained), ("random", stage.model)):
            with torch.no_grad():
                targets = model(images).argmax(1)
                deviation = float(model(images).std(0).mean())
            blank = (explained("wrapped:lime", model, images, targets) == 0).flatten(1).all(1).sum()
            yield f"{name}, {word}: {int(blank)} of 10 blank, scores vary by {deviation:.2g}"


def constants() -> Iterator[str]:
    """The deviation of zennit's Occlusion over the windows, relative to their mean."""
    for name in ("alexnet", "vgg11", "resnet"):
        images = (load_scenes(COUNT).batch if name == "resnet" else load_held_out(COUNT)).images
        with torch.no_grad():
            targets = load_checkpoint(name)(images).argmax(1)
        maps = explained("zennit:Occlusion", load_checkpoint(name), images, targets).flatten(1)
        yield f"{name}: {float((maps.std(1) / maps.mean(1).abs()).median()):.2f}"


if __name__ == "__main__":
    main()
