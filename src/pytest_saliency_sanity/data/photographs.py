"""A folder of photographs as a batch, in the paper's preprocessing for ImageNet (appendix C.2).

A folder holds images and, if their classes are known, a table ``labels.csv``:

- The images are the files whose suffix is one of ``SUFFIXES``, in either case, by name. Hidden files, subfolders and
  other files are ignored.
- ``labels.csv`` has a column ``file``, names within the folder, and one column of class indices: ``class``,
  ``class_index`` or ``imagenet_class_index``. It names every image that is used and none that is absent, each once.
  Other columns are ignored.

Every image becomes RGB as by Pillow's ``convert("RGB")``, which is what is usual for ImageNet: grey in three equal
channels, palettes looked up, CMYK converted, transparency dropped. Three things differ, since they would give another
picture than the one that people see: EXIF rotation is applied, 16-bit grey is scaled (not clipped to white), and 32-bit
grey is refused, for no white is agreed on. Of an animation the first frame counts.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps

from ..foundation.errors import quoted, reason_in
from .batch import Batch

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm")
# Pillow goes by content, not by suffix; of what it knows, some formats run other programs.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
LEAST_SIDE = 32  # pixels; at 224 a thumbnail is blur, and a map of it says nothing
MOST_TIMES_AS_LONG = 100  # one side as the other: of a longer strip, the long side would be made longer still
LABELS = "labels.csv"
CLASS_COLUMNS = ("class", "class_index", "imagenet_class_index")


@dataclass(frozen=True)
class Preprocessing:
    """Appendix C.2: resize the short side, crop the centre, scale to 0 to 1, normalise by channel (R, G, B).

    ``resize`` and ``crop`` are pixels, 1 <= crop <= resize. Raises ValueError for any others, for ``mean`` or ``std``
    of another length than 3, and for a ``std`` that is not above 0.
    """

    resize: int = 256
    crop: int = 224
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)

    def __post_init__(self) -> None:
        sides = (self.crop, self.resize)
        if not (all(isinstance(side, int) for side in sides) and 1 <= self.crop <= self.resize):
            raise ValueError(f"crop and resize must be whole numbers, 1 <= crop <= resize; got {sides}")
        if not len(self.mean) == len(self.std) == 3:
            raise ValueError(f"mean and std must have three values each; got {self.mean} and {self.std}")
        if not all(std > 0 for std in self.std):
            raise ValueError(f"std must be above 0; got {self.std}")


IMAGENET = Preprocessing()


def load_photographs(
    folder: Path | str, n: int | None = None, *, preprocessing: Preprocessing = IMAGENET, num_classes: int = 1000
) -> Batch:
    """Return the first ``n`` images of a folder by name, all if None, as ``(n, 3, crop, crop)`` float32 on the CPU.

    Targets are the classes in the folder's ``labels.csv``, 0 to ``num_classes - 1``; None if there is no such file.
    Only the images that are used are read. The module's docstring says what a folder holds and how images become RGB.

    Raises ValueError for a folder without images, an ``n`` beyond 1 to their number, an image that cannot be read whole
    or has a side under 32 pixels, and a ``labels.csv`` that does not fit.
    """
    folder = Path(folder)
    files = find_images(folder)
    if n is not None and not (isinstance(n, int) and 1 <= n <= len(files)):
        raise ValueError(f"{folder} has {len(files)} images: n is a whole number from 1 to that, not {n!r}")
    used = files[:n]
    targets = None
    if (table := folder / LABELS).exists():
        labels = read_labels(table, files, num_classes)
        if unlabelled := [file.name for file in used if file.name not in labels]:
            raise ValueError(f"{table} has no class for {_listed(unlabelled)}; add a line for each")
        targets = torch.tensor([labels[file.name] for file in used], device="cpu")
    images = torch.empty(len(used), 3, preprocessing.crop, preprocessing.crop, dtype=torch.float32, device="cpu")
    for image, file in zip(images, used, strict=True):
        image.copy_(preprocess(read_photograph(file), preprocessing))
    return Batch(images, targets)


def find_images(folder: Path) -> list[Path]:
    """Return the images in a folder, by name; ValueError if there is no folder or none in it."""
    if not folder.is_dir():
        raise ValueError(f"{folder} {'is a file' if folder.exists() else 'does not exist'}; give a folder of images")
    files = [
        file
        for file in folder.iterdir()
        # A link that leads nowhere is a lost image: it is found here, and reading it fails.
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and (file.is_file() or file.is_symlink())
    ]
    if not files:
        raise ValueError(f"{folder} has no images: no file ends in {', '.join(SUFFIXES)}; subfolders are not searched")
    return sorted(files, key=lambda file: file.name)


def read_photograph(file: Path) -> Image.Image:
    """Return an image in RGB, upright; ValueError if it cannot be read whole, is too small or has no known white."""
    with _pillow_reads(file):
        photograph = Image.open(file, formats=FORMATS)
    with photograph:
        if min(photograph.size) < LEAST_SIDE:
            width, height = photograph.size
            raise ValueError(f"{file} has {width} x {height} pixels; a photograph has at least {LEAST_SIDE} a side")
        if max(photograph.size) > MOST_TIMES_AS_LONG * min(photograph.size):
            width, height = photograph.size
            raise ValueError(
                f"{file} has {width} x {height} pixels; of a photograph, no side is over {MOST_TIMES_AS_LONG} times as "
                "long as the other"
            )
        if photograph.mode in ("I", "F") and not _has_16_bits(photograph):
            raise ValueError(f"{file} has 32-bit pixels (mode {photograph.mode}), of no known range; save it in 8 bits")
        with _pillow_reads(file):
            return _in_rgb(photograph)


def preprocess(photograph: Image.Image, preprocessing: Preprocessing = IMAGENET) -> torch.Tensor:
    """Return an RGB image as ``(3, crop, crop)`` float32, to the last digit what torchvision makes of it.

    That is ``Resize``, ``CenterCrop``, ``ToTensor`` and ``Normalize``: the long side is rounded down, and the crop's
    offsets to the nearest, halves to the even.
    """
    short, crop = min(photograph.size), preprocessing.crop
    width, height = (int(preprocessing.resize * side / short) for side in photograph.size)
    left, top = round((width - crop) / 2), round((height - crop) / 2)
    resized = photograph.resize((width, height), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(resized.crop((left, top, left + crop, top + crop)))).permute(2, 0, 1)
    mean, std = (
        torch.tensor(values, dtype=torch.float32, device="cpu").view(3, 1, 1)
        for values in (preprocessing.mean, preprocessing.std)
    )
    return pixels.to(torch.float32).div(255).sub(mean).div(std)


def read_labels(table: Path, images: Iterable[Path], num_classes: int) -> dict[str, int]:
    """Return the class of each file that a table names.

    Raises ValueError, with the line, for a file that is not among the images or named twice, and for a class that is
    not a whole number from 0 to ``num_classes - 1``; and for a table that is not CSV in UTF-8 with the columns.
    """
    present = {image.name for image in images}
    labels: dict[str, int] = {}
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines, skipinitialspace=True, strict=True)
            column = _class_column(table, rows.fieldnames or ())
            for row in rows:
                line, name = f"{table}, line {rows.line_num}", row["file"]
                if name not in present:
                    raise ValueError(f"{line}: no image {quoted(name)} in the folder; put it there or remove the line")
                if name in labels:
                    raise ValueError(f"{line}: {quoted(name)} has a class already; leave one line for it")
                labels[name] = _class_index(row[column], num_classes, line)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table} cannot be read as a table ({error}); save it as CSV in UTF-8") from error
    return labels


def _class_column(table: Path, columns: Sequence[str]) -> str:
    found = [column for column in CLASS_COLUMNS if column in columns]
    if "file" not in columns or len(found) != 1:
        raise ValueError(
            f"{table} has the columns {_listed(map(quoted, columns)) or '(none)'}; it needs 'file' and one of "
            f"{', '.join(map(repr, CLASS_COLUMNS))}, separated by commas"
        )
    return found[0]


def _class_index(text: str | None, num_classes: int, line: str) -> int:
    # int() alone takes "1_0" and digits of other scripts.
    if re.fullmatch("[0-9]{1,9}", written := (text or "").strip()) and int(written) < num_classes:
        return int(written)
    raise ValueError(f"{line}: {quoted(text)} is not a class; allowed: a whole number from 0 to {num_classes - 1}")


@contextmanager
def _pillow_reads(file: Path) -> Iterator[None]:
    """Let Pillow read whole images only, without its remarks on sizes and metadata; name the file in its errors."""
    lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except Exception as error:  # Pillow's formats raise errors of many types on damaged files
        raise ValueError(f"{file} can't be read as an image ({reason_in(error)}); replace it or remove it") from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient


def _has_16_bits(photograph: Image.Image) -> bool:
    """Tell 16-bit grey, whose white is 65535: in mode I too, where PPM and, in older versions, PNG put it."""
    return photograph.mode.startswith("I;16") or (photograph.mode == "I" and photograph.format in ("PNG", "PPM"))


def _in_rgb(photograph: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(photograph)
    if _has_16_bits(photograph):
        upright = Image.fromarray((np.asarray(upright) / 257).round().astype(np.uint8))
    return upright.convert("RGB")


def _listed(found: Iterable[str], most: int = 10) -> str:
    names = list(found)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
