"""The commands that README and docs show, and a project that has what they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import tables
from PIL import Image

PAGES = (*tables.PAGES, tables.ROOT / "CONTRIBUTING.md")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
METHOD = """
import torch

def {name}(model, images, targets):
    images = images.clone().requires_grad_()
    return images.detach() * torch.autograd.grad(model(images).gather(1, targets[:, None]).sum(), images)[0]
"""
NETWORK = """
import torch
from torch import nn

def network():
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 5, stride=2), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(6), nn.Flatten(), nn.Linear(1152, 10)),
    ).eval()
"""
IMAGES = """
from pytest_saliency_sanity import load_batch

batch = load_batch("mnist", n=60)
"""
FILES = {
    "mymethods.py": METHOD.format(name="input_x_gradient"),
    "mistaken.py": "def input_x_gradient(model, images, targets): return images",
    "mine.py": METHOD.format(name="explain"),
    "mypackage/saliency.py": METHOD.format(name="my_method"),
    "mynetworks.py": NETWORK,
    "mypackage/models.py": NETWORK,
    "mypackage/images.py": IMAGES,
    "tests/test_maps.py": "def test_maps(): pass\n",
}


def commands_of(pages: Iterable[Path]) -> dict[str, list[str]]:
    """Return every command of pages, without its comment, and the words of it; once each, in order."""
    found: dict[str, list[str]] = {}
    for page in pages:
        for command in lines_of(page):
            if words := shlex.split(command, comments=True):
                found.setdefault(shlex.join(words), words)
    return found


def write_project(folder: Path) -> None:
    """Write what the commands name: modules, and a folder of photographs."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (folder / "photographs").mkdir()
    for number in range(10):
        Image.new("RGB", (300, 300), (number, 0, 0)).save(folder / "photographs" / f"{number}.png")


def lines_of(page: Path) -> Iterator[str]:
    """Yield the commands of a page as a shell takes them, without the folder of an environment."""
    for block in BLOCK.findall(page.read_text()):
        for line in block.splitlines():
            yield from line.replace(".venv/bin/", "").split(" && ")
