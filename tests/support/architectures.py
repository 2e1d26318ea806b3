"""Small networks of random architecture, for property-based tests."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from support.networks import fill
from torch import nn

SIZE = (3, 8, 8)  # of the images that they take
CLASSES = 3
Layers = Callable[[int], list[nn.Module]]  # that keep the number of features


def _layers(*kinds: Layers) -> st.SearchStrategy[Layers]:
    return st.sampled_from([lambda features: [], *kinds])


NORMALISATIONS = _layers(lambda features: [nn.BatchNorm2d(features)], lambda features: [nn.GroupNorm(2, features)])
ACTIVATIONS = _layers(
    lambda features: [nn.ReLU()], lambda features: [nn.ReLU(inplace=True)], lambda features: [nn.GELU()]
)
BETWEEN_LINEAR = _layers(lambda features: [nn.ReLU()], lambda features: [nn.LayerNorm(features), nn.Tanh()])


@st.composite
def networks(draw: st.DrawFn) -> nn.Sequential:
    """Draw a network of one to three convolutions and one to three linear layers, for images ``(N, 3, 8, 8)``.

    With and without biases, normalisations, activations in place or not, and poolings. No value of it is neutral, and
    no tensor has one value only.
    """
    layers: list[nn.Module] = []
    channels, size = SIZE[0], SIZE[1]
    for _ in range(draw(st.integers(1, 3))):
        taken, channels = channels, draw(st.sampled_from([2, 4]))
        layers.append(nn.Conv2d(taken, channels, 3, padding=1, bias=draw(st.booleans())))
        layers += [*draw(NORMALISATIONS)(channels), *draw(ACTIVATIONS)(channels)]
        if size > 2 and draw(st.booleans()):
            layers.append(nn.MaxPool2d(2))
            size //= 2
    layers.append(nn.Flatten())
    features = channels * size * size
    for _ in range(draw(st.integers(0, 2))):
        taken, features = features, draw(st.integers(2, 5))
        layers += [nn.Linear(taken, features, bias=draw(st.booleans())), *draw(BETWEEN_LINEAR)(features)]
    return fill(nn.Sequential(*layers, nn.Linear(features, CLASSES)))
