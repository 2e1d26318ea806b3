"""Run a short suite again and again: in other orders, on other workers, with other threads and plugins.

    python benchmarks/determinism.py [--runs 200] [--kept FILE] [--write]

Every run must give the same verdicts, and SRCs that are equal to the last bit if each process has one thread. FILE
keeps the runs, so that an interrupted measurement goes on. With ``--write``, the table goes to ``docs/reliability.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from documents import DOCS, rewrite

# A method that draws random numbers and passes, and one that does not repeat itself, and fails.
METHODS = ("smoothgrad?n_samples=3", "uniform_noise")
CHECKS = ("cascading_randomization[top_down]", "class_sensitivity", "repeatability")
SUITE = (
    "saliency-sanity",
    *(f"--saliency-method={method}" for method in METHODS),
    "--saliency-model=resnet",
    *(f"--saliency-check={check}" for check in CHECKS),
    "--saliency-images=10",
)
DISTRIBUTIONS = ("load", "loadscope", "loadfile", "loadgroup", "worksteal", "each")
PLUGINS: dict[str, tuple[str, ...]] = {
    "randomly": ("-p", "randomly"),
    "rerunfailures": ("--reruns=1",),
    "timeout": ("--timeout=600",),
    "cov": ("--cov=pytest_saliency_sanity", "--cov-report="),
    "html": ("--html=report.html", "--self-contained-html"),
}
NEEDED = ("pytest_randomly", "pytest_rerunfailures", "pytest_timeout", "pytest_cov", "pytest_html", "xdist")
# The verdicts and numbers of every question, as the process that reports to the user hears of them.
CONFTEST = """
import json
import os
from pytest_saliency_sanity.plugin.account import account_of

HEARD = []

def pytest_runtest_logreport(report):
    told = account_of(report).get("result")
    if told and report.when == "call":
        HEARD.append([report.nodeid.partition("@")[0], told["verdict"], told["statistic"], told["stages"]])

def pytest_sessionfinish(session):
    if not hasattr(session.config, "workerinput"):
        with open(os.environ["HEARD"], "w") as file:
            json.dump(HEARD, file)
"""


@dataclass(frozen=True)
class Setting:
    """How a run is made. ``workers``: 0 for none."""

    number: int
    workers: int
    distribution: str
    threads: int
    plugins: tuple[str, ...]

    @property
    def arguments(self) -> tuple[str, ...]:
        """What pytest is given besides the suite."""
        workers = ("-n", str(self.workers), f"--dist={self.distribution}") if self.workers else ("-n0",)
        randomly = (f"--randomly-seed={self.number}",) if "randomly" in self.plugins else ("-p", "no:randomly")
        return (*workers, *randomly, *(each for name in self.plugins for each in PLUGINS[name]))


def settings(runs: int) -> Iterator[Setting]:
    """Yield the settings: each number of workers with each distribution in turn, the plugins drawn at random."""
    draw = Random(0)
    pairs = [(0, "no"), *((workers, each) for workers in (1, 2, 3, 4) for each in DISTRIBUTIONS)]
    for number in range(runs):
        workers, distribution = pairs[number % len(pairs)]
        plugins = tuple(name for name in PLUGINS if draw.random() < 0.6)
        yield Setting(number, workers, distribution, 1 + number // len(pairs) % 2, plugins)


def heard_in(setting: Setting) -> dict[str, list[Any]]:
    """Run the suite; return by question what was heard of it: the same each time it was asked."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "conftest.py").write_text(CONFTEST)
        (folder / "pytest.ini").write_text("[pytest]\n")
        environment = os.environ | {"OMP_NUM_THREADS": str(setting.threads), "HEARD": str(folder / "heard.json")}
        command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SUITE, *setting.arguments)
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        if done.returncode != 1:  # the noise fails
            raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        heard: dict[str, list[Any]] = {}
        for node_id, *told in json.loads((folder / "heard.json").read_text()):
            if heard.setdefault(node_id, told) != told:
                raise SystemExit(f"{setting}: {node_id} gave {heard[node_id]}, then {told}")
        return heard


def kept_runs(file: Path, runs: int) -> list[tuple[Setting, dict[str, list[Any]]]]:
    """Return the runs, from a file as far as they are there."""
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    found = [
        (Setting(**each["setting"] | {"plugins": tuple(each["setting"]["plugins"])}), each["heard"]) for each in lines
    ]
    for setting in list(settings(runs))[len(found) :]:
        found.append((setting, heard_in(setting)))
        with file.open("a") as kept:
            kept.write(json.dumps({"setting": asdict(setting), "heard": found[-1][1]}) + "\n")
    return found


def largest_difference(one: object, other: object) -> float:
    """Return the largest difference of the numbers in two lists of the same form."""
    if isinstance(one, list) and isinstance(other, list):
        return max((largest_difference(*pair) for pair in zip(one, other, strict=True)), default=0.0)
    if isinstance(one, dict) and isinstance(other, dict):
        return largest_difference([one[key] for key in sorted(one)], [other[key] for key in sorted(other)])
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other)
    return 0.0 if one == other else float("inf")


def table(found: Sequence[tuple[Setting, Mapping[str, list[Any]]]]) -> Iterator[str]:
    """Yield the table: by what was varied, how many runs, whether verdicts were the same, how far numbers differed."""
    first = found[0][1]
    groups: dict[str, list[Mapping[str, list[Any]]]] = defaultdict(list)
    for setting, heard in found:
        groups["all"].append(heard)
        groups[f"{setting.workers or 'no'} worker{'s' * (setting.workers > 1)}"].append(heard)
        groups[f"`--dist={setting.distribution}`"].append(heard)
        groups[f"{setting.threads} thread{'s' * (setting.threads > 1)} a process"].append(heard)
        for name in setting.plugins:
            groups[f"pytest-{name}"].append(heard)
    yield "| runs with | how many | verdicts other than in the first run | largest difference of a number |"
    yield "|---|---|---|---|"
    for name, runs in groups.items():
        verdicts = sum(heard[each][0] != first[each][0] for heard in runs for each in first)
        numbers = max(largest_difference(heard[each][1:], first[each][1:]) for heard in runs for each in first)
        missing = sum(heard.keys() != first.keys() for heard in runs)
        assert not missing, f"{missing} runs with {name} answered other questions"
        yield f"| {name} | {len(runs)} | {verdicts} of {len(runs) * len(first)} | {numbers:.1g} |"


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kept", type=Path, default=Path("determinism.jsonl"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise SystemExit(f"missing: {', '.join(missing)}. pip install -e '.[test]' pytest-rerunfailures pytest-cov")
    lines = list(table(kept_runs(options.kept, options.runs)))
    if options.write:
        rewrite(DOCS / "reliability.md", "determinism", lines)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
