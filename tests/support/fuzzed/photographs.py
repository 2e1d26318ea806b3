"""A folder of photographs: the files in it, their names, and the table of classes."""

from __future__ import annotations

import io
import shutil
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from pytest_saliency_sanity.data.photographs import (
    LABELS,
    Preprocessing,
    load_photographs,
    read_labels,
    read_photograph,
)

from ..fuzzing import Parser
from ..mutation import mutated_bytes, mutated_text, texts

SIDE = 32
SMALL = Preprocessing(SIDE, SIDE)
IMAGES = [Path("a.png"), Path("b.jpg"), Path("with, comma.png"), Path("é.png")]
TABLES = (
    "file,class\na.png,3\nb.jpg,0\n",
    'other,file,class_index\n,"with, comma.png",7\r\nx,é.png, 9\r\n',
    "\ufefffile,imagenet_class_index\na.png,999\n",
)


@cache
def pictures() -> tuple[bytes, ...]:
    """Return small images of every format and mode that is read."""
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
    coloured = Image.fromarray(pixels[..., :3])
    turned = Image.Exif()
    turned[0x0112] = 6
    kinds: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("PNG", coloured, {}),
        ("PNG", Image.fromarray(pixels), {}),
        ("PNG", coloured.convert("P"), {"transparency": 0}),
        ("PNG", Image.fromarray(pixels[..., 0].astype(np.uint16) * 257), {}),
        ("JPEG", coloured, {"exif": turned}),
        ("JPEG", coloured.convert("CMYK"), {"progressive": True}),
        ("PPM", coloured, {}),
        ("PPM", coloured.convert("L"), {}),
        ("BMP", coloured, {}),
        ("GIF", coloured, {"save_all": True, "append_images": [coloured.rotate(90)]}),
        ("WEBP", coloured, {"exif": turned}),
        ("TIFF", coloured, {"compression": "tiff_lzw", "exif": turned}),
        ("TIFF", coloured.convert("LA"), {}),
    ]
    found = []
    for kind, image, options in kinds:
        with io.BytesIO() as file:
            image.save(file, kind, **options)
            found.append(file.getvalue())
    return (*found, b"P3 32 32 255 " + b"7 " * SIDE * SIDE * 3)


def put_picture(folder: Path, content: bytes) -> Path:
    """Put an image into a file whose suffix says nothing about it."""
    file = folder / "a.png"
    file.write_bytes(content)
    return file


def put_table(folder: Path, table: str) -> Path:
    """Put a table of classes into a file."""
    file = folder / LABELS
    file.write_bytes(table.encode(errors="surrogatepass"))
    return file


def put_folder(folder: Path, names: tuple[str, ...]) -> Path:
    """Make a folder: a picture under the first names, and a table of classes that has the last."""
    home = folder / "images"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    for name in names:
        file = home / name.replace("/", "_").replace("\0", "_")
        try:
            file.write_bytes(pictures()[6])
        except (OSError, UnicodeEncodeError):  # not a name that this system takes: something else does
            (home / "b.png").write_bytes(pictures()[6][:40])
    if len(names) % 2:
        put_table(home, f"file,class\n{names[-1]},0\n")
    return home


def load_all(folder: Path) -> None:
    """Load a folder, and its first image."""
    load_photographs(folder, 1, preprocessing=SMALL)
    load_photographs(folder, preprocessing=SMALL)


def mutated_names(random: Random, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return other names of files."""
    found = [*names, random.choice(("labels.csv", "c.PNG", ".hidden.png", "d.txt"))][-3:]
    at = random.randrange(len(found))
    found[at] = mutated_text(random, found[at])[:300]
    return tuple(found)


PARSERS = (
    Parser(
        "image",
        pictures(),
        st.binary(max_size=200) | st.sampled_from(pictures()),
        mutated_bytes,
        lambda file: load_photographs(file.parent, preprocessing=SMALL) and read_photograph(file),
        (ValueError,),
        put_picture,
    ),
    Parser(
        "folder of images",
        (("a.png",), ("a.png", "b.jpg"), ("é.PNG", "a.b.gif")),
        st.lists(texts("a.png", ".jpg", LABELS, "-.tif"), min_size=1, max_size=3).map(tuple),
        mutated_names,
        load_all,
        (ValueError,),
        put_folder,
    ),
    Parser(
        LABELS,
        TABLES,
        texts(*TABLES, "file", "class", ",", "\n", '"', "a.png", "file,class\na.png,", "9" * 10),
        mutated_text,
        lambda table: read_labels(table, IMAGES, 1000),
        (ValueError,),
        put_table,
    ),
)
