"""How the paper's networks are trained (appendix B.1)."""

from __future__ import annotations

from dataclasses import replace

from ...training.digits import digits_family
from ...training.recipe import Recipe

# SGD at 0.001 with momentum 0.9, batches of 16, stop at 95 %; the random seed is 1.
AS_PUBLISHED = Recipe(
    width=1.0,
    initialization="pytorch",
    optimizer="sgd",
    learning_rate=0.001,
    momentum=0.9,
    batch_size=16,
    target=0.95,
    least_epochs=1,
    most_epochs=400,
    precision="float32",
)

# With PyTorch's own initialisation AlexNet does not memorise random labels in reasonable time; with He et al.'s, the
# one thing that is changed, it does (docs/reproduction.md).
RECIPE = replace(AS_PUBLISHED, initialization="kaiming_normal")

FAMILY = digits_family(
    "paper",
    RECIPE,
    # The recipe stops early; measured were 0.76 and 0.84 (docs/checkpoints.md).
    least_held_out=0.70,
    # As it took where docs/reproduction.md was measured.
    expected_epochs={"alexnet-true": 17, "alexnet-random": 225, "vgg11-true": 22, "vgg11-random": 60},
)
