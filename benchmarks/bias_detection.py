"""Train biased and balanced networks with several seeds; prints the tables of ``docs/bias.md``.

For each network and seed: accuracies, and how much of each method's maps lies on the nuisance, biased and balanced,
with the drop: over seeds, and how often its 95 % interval over images is above 0. Takes half a minute a network and
seed; ``--seeds FIRST LAST``.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace

import numpy as np

from pytest_saliency_sanity import Batch, resolve_method
from pytest_saliency_sanity.checks.bias_detection import CHECK
from pytest_saliency_sanity.checks.bias_detection.ask import bias_masses
from pytest_saliency_sanity.data.bias_scenario import BiasScenario
from pytest_saliency_sanity.data.biased_digits import KINDS, digit_pairs, load_counter_stereotypes
from pytest_saliency_sanity.measuring.statistics import mean_interval
from pytest_saliency_sanity.networks.architectures import MODELS
from pytest_saliency_sanity.networks.presets.embedded.bias import BIAS, COUNTER, VALIDATION, of_class
from pytest_saliency_sanity.networks.training.training import epochs_of

METHODS = ("gradient", "smoothgrad", "gradcam", "sobel", "input", "uniform_noise")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seeds", type=int, nargs=2, default=(11, 20))
    options.add_argument("--images", type=int, default=40)
    options.add_argument("--networks", nargs="*", default=list(MODELS))
    chosen = options.parse_args()
    print("class digits {}, nuisance digits {}\n".format(*digit_pairs()))
    print("| network | seed | data | epochs | like the training data | counter-stereotypes | class 0 | class 1 |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    test = load_counter_stereotypes(chosen.images)
    accuracies, masses = defaultdict(list), defaultdict(list)
    for network in chosen.networks:
        for seed in range(chosen.seeds[0], chosen.seeds[1] + 1):
            models = {}
            for kind in KINDS:
                training = replace(BIAS, seed=seed).training(network, kind)
                epochs = sum(1 for _ in epochs_of(training))
                model = training.kept()
                now = BIAS.measure(model, kind, seed).accuracies
                accuracies[network, kind].append(now[COUNTER])
                cells = " | ".join(f"{now[each]:.3f}" for each in (VALIDATION, COUNTER, of_class(0), of_class(1)))
                print(f"| {network} | {seed} | {kind} | {epochs} | {cells} |", flush=True)
                models[kind] = model
            scenario = BiasScenario(models["biased"], models["balanced"], Batch(test.images), test.masks)
            for name in METHODS:
                method, limit = resolve_method(name), CHECK.thresholds["nuisance"]
                masses[name, network].append(bias_masses(method, scenario, limit, name=name, seed=seed))
    print("\n| network | data | counter-stereotypes: mean | lowest | highest |\n|---|---|---|---|---|")
    for (network, kind), reached in accuracies.items():
        print(f"| {network} | {kind} | {np.mean(reached):.3f} | {min(reached):.3f} | {max(reached):.3f} |")
    print("\n| method | network | biased | balanced | drop | 95 % interval over seeds | above 0 | verdicts |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, network), found in masses.items():
        drops = np.array([each.drop.mean for each in found])
        over_seeds = mean_interval(drops[None])
        above = sum(each.interval.low > 0 for each in found)
        means = [span([getattr(each, kind).mean for each in found]) for kind in KINDS]
        verdicts = [each.verdict for each in found]
        print(
            f"| {name} | {network} | {means[0]} | {means[1]} | {span(drops.tolist())} | "
            f"{over_seeds.low:.3f} to {over_seeds.high:.3f} | {above} of {len(found)} | "
            f"{', '.join(f'{verdicts.count(each)} {each}' for each in dict.fromkeys(sorted(verdicts)))} |"
        )


def span(values: list[float]) -> str:
    """Return the mean, the lowest and the highest."""
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
