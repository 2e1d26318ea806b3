"""A folder of photographs: which are read, what they become, and what bad ones are told."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFile
from torchvision import transforms

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.data.photographs import (
    LEAST_SIDE,
    SUFFIXES,
    Preprocessing,
    load_photographs,
    preprocess,
    read_photograph,
)

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "imagenet"


def drawing(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray:
    """A ramp with noise, ``(height, width, 3)`` uint8: no two neighbours, sides or channels alike."""
    noise = np.random.default_rng(seed).integers(0, 60, (height, width, 3))
    across, down = np.linspace(0, 120, width)[None, :, None], np.linspace(0, 75, height)[:, None, None]
    return (across + down + noise).astype(np.uint8)


def photograph(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    return Image.fromarray(drawing(width, height, seed))


def save(folder: Path, *names: str) -> None:
    """Save different pictures, in this order."""
    for seed, name in enumerate(names):
        photograph(seed=seed).save(folder / name)


def by_torchvision(image: Image.Image, how: Preprocessing | None = None) -> torch.Tensor:
    how = how or Preprocessing()
    pipeline = transforms.Compose(
        [
            *(transforms.Resize(how.resize), transforms.CenterCrop(how.crop), transforms.ToTensor()),
            transforms.Normalize(how.mean, how.std),
        ]
    )
    prepared: torch.Tensor = pipeline(image)
    return prepared


def seen(file: Path) -> np.ndarray:
    return np.asarray(read_photograph(file))


def kind(file: Path) -> str:
    """Return what Pillow takes a file for: format, mode and, where there are several, frames."""
    with Image.open(file) as image:
        frames = getattr(image, "n_frames", 1)
        return f"{image.format} {image.mode}" + (f" x {frames}" if frames > 1 else "")


def assert_refused(folder: Path, *told: str, n: int | None = None, num_classes: int = 1000) -> None:
    with pytest.raises(ValueError, match=r"^") as raised:
        load_photographs(folder, n, num_classes=num_classes)
    for words in told:
        assert words in str(raised.value)


# Preprocessing.


# 259 x 257: offsets of the crop at 16.5 and 17.5; 300 x 297: a long side of 258.6; the longest: 256 x 16,000.
@pytest.mark.parametrize(
    "size", [(224, 224), (256, 256), (300, 297), (297, 300), (257, 256), (256, 259), (500, 375), (333, 500), (32, 2000)]
)
def test_preprocessing_is_torchvisions_to_the_last_digit(size: tuple[int, int], tmp_path: Path) -> None:
    photograph(*size).save(tmp_path / "a.png")
    batch = load_photographs(tmp_path)
    assert batch.images.shape == (1, 3, 224, 224)
    assert batch.images.dtype == torch.float32
    assert torch.equal(batch.images[0], by_torchvision(photograph(*size)))


@pytest.mark.parametrize(
    "how", [Preprocessing(64, 64), Preprocessing(97, 41), Preprocessing(40, 32, mean=(0, 0.2, 0.9), std=(1, 0.5, 2))]
)
def test_other_preprocessing_is_torchvisions_too(how: Preprocessing, tmp_path: Path) -> None:
    photograph(123, 77).save(tmp_path / "a.png")
    images = load_photographs(tmp_path, preprocessing=how).images
    assert torch.equal(images[0], by_torchvision(photograph(123, 77), how))


@pytest.mark.parametrize(
    "values",
    [
        *({"crop": 257}, {"crop": 0}, {"resize": 256.5}, {"mean": (0.5,)}, {"std": (1.0, 1.0)}),
        *({"std": (1.0, 0.0, 1.0)}, {"std": (1.0, 1.0, float("nan"))}),
    ],
)
def test_preprocessing_that_makes_no_sense_is_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        Preprocessing(**values)  # type: ignore[arg-type]


def test_what_others_set_as_default_does_not_matter(tmp_path: Path) -> None:
    save(tmp_path, "a.png")
    (tmp_path / "labels.csv").write_text("file,class\na.png,3\n")
    dtype = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        with torch.device("meta"):
            batch = load_photographs(tmp_path)
    finally:
        torch.set_default_dtype(dtype)
    assert batch.targets is not None
    assert (batch.images.device.type, batch.targets.device.type) == ("cpu", "cpu")
    assert batch.images.dtype == torch.float32
    assert torch.equal(batch.images[0], by_torchvision(photograph()))


@pytest.mark.skipif(not PHOTOGRAPHS.exists(), reason=f"the photographs are not there: {PHOTOGRAPHS}")
def test_real_photographs_are_torchvisions_with_their_classes() -> None:
    batch = load_photographs(PHOTOGRAPHS)
    rows = sorted(csv.DictReader((PHOTOGRAPHS / "labels.csv").read_text().splitlines()), key=lambda row: row["file"])
    expected = [by_torchvision(Image.open(PHOTOGRAPHS / row["file"]).convert("RGB")) for row in rows]
    assert torch.equal(batch.images, torch.stack(expected))
    assert batch.targets is not None
    assert batch.targets.tolist() == [int(row["imagenet_class_index"]) for row in rows]


# Which files.


def test_images_come_by_name_whatever_order_they_were_saved_in(tmp_path: Path) -> None:
    names = ["b.png", "a10.bmp", "a9.PNG", "B.ppm", "c.tif"]
    save(tmp_path, *names)
    expected = [preprocess(photograph(seed=names.index(name))) for name in sorted(names)]
    batch = load_photographs(str(tmp_path))
    assert torch.equal(batch.images, torch.stack(expected))
    assert batch.targets is None
    assert torch.equal(load_photographs(tmp_path, 2).images, batch.images[:2])
    assert torch.equal(load_photographs(tmp_path).images, batch.images)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("write", [str.lower, str.upper])
def test_every_suffix_is_found_and_read(suffix: str, write: Callable[[str], str], tmp_path: Path) -> None:
    file = tmp_path / f"a{write(suffix)}"
    photograph().save(file)
    assert len(load_photographs(tmp_path)) == 1
    # JPEG, WebP and the 256 colours of GIF lose some: measured, up to 14; of another picture, 20.
    assert np.abs(seen(file).astype(int) - drawing()).mean() < 17


def test_other_files_and_folders_are_left_alone(tmp_path: Path) -> None:
    save(tmp_path, "a.png")
    for name in ("._a.png", ".hidden.jpg", "notes.txt", "a.heic", "png"):
        (tmp_path / name).write_text("no image")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "more").mkdir()
    save(tmp_path / "more", "b.png")
    assert len(load_photographs(tmp_path)) == 1


def test_images_that_are_not_used_are_not_read(tmp_path: Path) -> None:
    save(tmp_path, "a.png", "b.png")
    (tmp_path / "c.png").write_text("no image")
    assert len(load_photographs(tmp_path, 2)) == 2
    assert_refused(tmp_path, str(tmp_path / "c.png"))


@pytest.mark.parametrize("n", [0, -1, 3, 1.0, "2"])
def test_a_number_of_images_that_are_not_there_is_refused(n: int, tmp_path: Path) -> None:
    save(tmp_path, "a.png", "b.png")
    assert_refused(tmp_path, f"{tmp_path} has 2 images", f"not {n!r}", n=n)


def test_no_folder_a_file_and_a_folder_without_images_are_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "nowhere", f"{tmp_path / 'nowhere'} does not exist")
    assert_refused(tmp_path, f"{tmp_path} has no images", *SUFFIXES)
    (tmp_path / "a.txt").write_text("no image")
    assert_refused(tmp_path, f"{tmp_path} has no images")
    assert_refused(tmp_path / "a.txt", f"{tmp_path / 'a.txt'} is a file")


def test_a_link_that_leads_nowhere_is_a_lost_image(tmp_path: Path) -> None:
    save(tmp_path, "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    assert_refused(tmp_path, str(tmp_path / "b.png"), "FileNotFoundError")


# Labels.


def labelled(folder: Path, table: str, *, encoding: str = "utf-8") -> Path:
    save(folder, "a.png", "b.png", "c.png")
    (folder / "labels.csv").write_text(table, encoding=encoding)
    return folder


@pytest.mark.parametrize("column", ["class", "class_index", "imagenet_class_index"])
def test_targets_are_those_of_the_table(column: str, tmp_path: Path) -> None:
    # In another order, with a column more, a blank line, spaces, and the mark that spreadsheets put first.
    table = f'file,name, {column}\nc.png,x,999\n\n"a.png",y, 0\nb.png,z,07 \n'
    labelled(tmp_path, table, encoding="utf-8-sig")
    targets = load_photographs(tmp_path).targets
    assert targets is not None
    assert targets.dtype == torch.int64
    assert targets.tolist() == [0, 7, 999]


def test_images_that_are_not_used_need_no_class(tmp_path: Path) -> None:
    labelled(tmp_path, "file,class\na.png,4\nb.png,5\n")
    batch = load_photographs(tmp_path, 2)
    assert isinstance(batch, Batch)
    assert batch.targets is not None
    assert batch.targets.tolist() == [4, 5]
    assert_refused(tmp_path, "labels.csv has no class for c.png")


def test_all_images_without_a_class_are_named_up_to_ten(tmp_path: Path) -> None:
    save(tmp_path, *(f"{number:02}.png" for number in range(14)))
    (tmp_path / "labels.csv").write_text("file,class\n00.png,1\n")
    assert_refused(tmp_path, "no class for 01.png, 02.png,", "10.png and 3 more")


@pytest.mark.parametrize("value", ["1000", "-1", "1.0", "", "dog", "1_0", "٣", "9" * 5000])
def test_a_class_that_is_none_is_refused_with_its_line(value: str, tmp_path: Path) -> None:
    labelled(tmp_path, f"file,class\na.png,1\nb.png,{value}\nc.png,2\n")
    told = f"{tmp_path / 'labels.csv'}, line 3: {repr(value)[:100]}"
    assert_refused(tmp_path, told, f"{repr(value)[-20:]} is not a class", "from 0 to 999")


def test_the_classes_that_are_allowed_are_the_models(tmp_path: Path) -> None:
    labelled(tmp_path, "file,class\na.png,9\nb.png,10\nc.png,2\n")
    assert_refused(tmp_path, "line 3: '10' is not a class", "from 0 to 9", num_classes=10)
    assert len(load_photographs(tmp_path, num_classes=11)) == 3


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("file,class\na.png,1\ngone.png,2\n", "line 3: no image 'gone.png' in the folder"),
        ("file,class\na.png,1\nlabels.csv,2\n", "line 3: no image 'labels.csv' in the folder"),
        ("file,class\na.png,1\nb.png,2\na.png,1\n", "line 4: 'a.png' has a class already"),
        ("file,class\na.png\n", "line 2: None is not a class"),
        ("file;class\na.png;1\n", "has the columns 'file;class'; it needs 'file' and one of 'class',"),
        ("a.png,1\n", "has the columns 'a.png', '1'; it needs"),
        ("file,label\na.png,1\n", "it needs"),
        ("file,class,class_index\na.png,1,2\n", "has the columns 'file', 'class', 'class_index'; it needs"),
        ("", "has the columns (none); it needs"),
        ('file,class\n"a.png,1\n', "cannot be read as a table"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table: str, told: str, tmp_path: Path) -> None:
    assert_refused(labelled(tmp_path, table), str(tmp_path / "labels.csv"), told)


def test_a_table_that_is_no_text_in_utf_8_is_refused(tmp_path: Path) -> None:
    labelled(tmp_path, "file,class,name\na.png,1,Löwe\n", encoding="latin-1")
    assert_refused(tmp_path, "save it as CSV in UTF-8")
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "labels.csv").mkdir()
    assert_refused(tmp_path, "labels.csv cannot be read as a table")


def test_the_table_is_looked_at_before_the_images(tmp_path: Path) -> None:
    labelled(tmp_path, "file,class\na.png,dog\n")
    (tmp_path / "a.png").write_text("no image")
    assert_refused(tmp_path, "'dog' is not a class")


# Kinds of images.


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[:, :, None], 3, 2)


def with_alpha() -> np.ndarray:
    return np.concatenate([drawing(), drawing(seed=1)[:, :, :1]], 2)


def palette_image(width: int = 64, height: int = 48) -> tuple[Image.Image, np.ndarray]:
    """An image of 16 colours, and its pixels ``(height, width, 3)``."""
    image = photograph(width, height).quantize(16)
    colours = np.array(image.getpalette(), dtype=np.uint8).reshape(-1, 3)
    return image, colours[np.asarray(image)]


def test_grey_and_black_and_white_come_in_three_channels(tmp_path: Path) -> None:
    values = drawing()[:, :, 0]
    Image.fromarray(values).save(tmp_path / "grey.png")
    Image.fromarray(values > 120).save(tmp_path / "black_and_white.png")
    assert kind(tmp_path / "black_and_white.png") == "PNG 1"
    np.testing.assert_array_equal(seen(tmp_path / "grey.png"), grey(values))
    np.testing.assert_array_equal(seen(tmp_path / "black_and_white.png"), grey(np.uint8(255) * (values > 120)))


@pytest.mark.parametrize("transparency", [None, 3, bytes(range(0, 256, 16))])
def test_palettes_are_looked_up_and_their_transparency_dropped(
    transparency: int | bytes | None, tmp_path: Path
) -> None:
    image, colours = palette_image()
    options: dict[str, Any] = {} if transparency is None else {"transparency": transparency}
    image.save(tmp_path / "a.png", **options)
    assert kind(tmp_path / "a.png") == "PNG P"
    np.testing.assert_array_equal(seen(tmp_path / "a.png"), colours)


def test_transparency_is_dropped(tmp_path: Path) -> None:
    Image.fromarray(with_alpha()).save(tmp_path / "colour.png")
    Image.merge("LA", Image.fromarray(with_alpha()).split()[2:]).save(tmp_path / "grey.png")
    photograph().save(tmp_path / "one_colour.png", transparency=tuple(drawing()[0, 0].tolist()))
    assert [kind(tmp_path / name) for name in ("colour.png", "grey.png")] == ["PNG RGBA", "PNG LA"]
    np.testing.assert_array_equal(seen(tmp_path / "colour.png"), drawing())
    np.testing.assert_array_equal(seen(tmp_path / "grey.png"), grey(drawing()[:, :, 2]))
    np.testing.assert_array_equal(seen(tmp_path / "one_colour.png"), drawing())


def test_the_inks_of_a_jpeg_become_light(tmp_path: Path) -> None:
    smooth = Image.fromarray(drawing()).resize((8, 6)).resize((64, 48))
    smooth.convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert kind(tmp_path / "a.jpg") == "JPEG CMYK"
    difference = np.abs(seen(tmp_path / "a.jpg").astype(int) - np.asarray(smooth))
    assert difference.max() < 20  # measured: 1; of a negative: 185


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.ppm"])
def test_16_bit_grey_is_scaled_not_clipped(name: str, tmp_path: Path) -> None:
    values = drawing()[:, :, 0]
    values[0, :2] = 0, 255
    # Up to half a step of 8 bits away, either way.
    offsets = np.random.default_rng(0).integers(-128, 129, values.shape)
    deep = np.clip(values.astype(int) * 257 + offsets, 0, 2**16 - 1).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / name)
    assert " I" in kind(tmp_path / name)
    np.testing.assert_array_equal(seen(tmp_path / name), grey(values))


def test_10_bit_grey_is_scaled_too(tmp_path: Path) -> None:
    deep = np.linspace(0, 1023, 32 * 40).round().astype(">u2").reshape(32, 40)
    (tmp_path / "a.ppm").write_bytes(b"P5 40 32 1023\n" + deep.tobytes())
    assert np.abs(seen(tmp_path / "a.ppm") - grey(deep / 1023 * 255)).max() <= 0.51


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_32_bit_grey_is_refused(dtype: type, tmp_path: Path) -> None:
    Image.fromarray(drawing()[:, :, 0].astype(dtype)).save(tmp_path / "a.tif")
    assert_refused(tmp_path, str(tmp_path / "a.tif"), "32-bit", "save it in 8 bits")


TURNED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
@pytest.mark.parametrize("orientation", TURNED)
def test_images_are_turned_upright(orientation: int, name: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photograph().save(tmp_path / name, exif=exif)
    np.testing.assert_array_equal(seen(tmp_path / name), TURNED[orientation](drawing()))


def test_16_bit_grey_is_turned_upright_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    values = drawing()[:, :, 0]
    Image.fromarray(values.astype(np.uint16) * 257).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(seen(tmp_path / "a.png"), np.rot90(grey(values), -1))


def test_of_an_animation_the_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.fromarray(drawing(seed=seed)[:, :, 0]) for seed in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert kind(tmp_path / "a.gif").endswith("x 3")
    np.testing.assert_array_equal(seen(tmp_path / "a.gif"), grey(drawing()[:, :, 0]))


def test_the_first_of_a_cameras_several_pictures_counts(tmp_path: Path) -> None:
    photograph().save(tmp_path / "a.mpo", save_all=True, append_images=[photograph(seed=1)])
    (tmp_path / "a.mpo").rename(tmp_path / "a.jpg")
    photograph().save(tmp_path / "b.jpg")
    assert kind(tmp_path / "a.jpg") == "MPO RGB x 2"
    np.testing.assert_array_equal(seen(tmp_path / "a.jpg"), seen(tmp_path / "b.jpg"))


def test_the_content_counts_not_the_suffix(tmp_path: Path) -> None:
    photograph().save(tmp_path / "a.jpg", format="PNG")
    np.testing.assert_array_equal(seen(tmp_path / "a.jpg"), drawing())
    # Pillow has another program draw PostScript.
    photograph().save(tmp_path / "b.jpg", format="EPS")
    assert_refused(tmp_path, str(tmp_path / "b.jpg"), "cannot identify image file")


# Damaged, tiny and huge images.


def test_a_file_that_is_no_image_is_named_with_what_pillow_said(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no image")
    assert_refused(tmp_path, str(tmp_path / "a.jpg"), "cannot identify image file", "replace it or remove it")
    (tmp_path / "a.jpg").write_bytes(b"")
    assert_refused(tmp_path, "cannot identify image file")


FORMATS: dict[str, dict[str, Any]] = {
    "a.jpg": {},
    "b.jpg": {"progressive": True},
    "a.png": {},
    "a.bmp": {},
    "a.webp": {},
    "a.tif": {},
    "b.tif": {"compression": "tiff_lzw"},
    "a.gif": {},
    "a.ppm": {},
}


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("name", FORMATS)
def test_a_part_of_an_image_is_never_taken_for_it(
    name: str, lenient: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    file = tmp_path / name
    photograph().save(file, **FORMATS[name])
    whole, content = seen(file), file.read_bytes()
    refused = 0
    for length in range(0, len(content), len(content) // 40):
        file.write_bytes(content[:length])
        try:
            part = seen(file)
        except ValueError as error:
            refused += 1
            assert str(file) in str(error)  # noqa: PT017  (a cut may leave out nothing that is seen)
        else:
            np.testing.assert_array_equal(part, whole)
    assert refused >= 38
    assert ImageFile.LOAD_TRUNCATED_IMAGES is lenient


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, LEAST_SIDE - 1)])
def test_a_tiny_image_is_refused(size: tuple[int, int], tmp_path: Path) -> None:
    photograph(*size).save(tmp_path / "a.png")
    assert_refused(tmp_path, f"{tmp_path / 'a.png'} has {size[0]} x {size[1]} pixels", f"at least {LEAST_SIDE}")


def test_the_least_size_is_enough(tmp_path: Path) -> None:
    photograph(LEAST_SIDE, LEAST_SIDE).save(tmp_path / "a.png")
    assert len(load_photographs(tmp_path)) == 1


def test_what_pillow_takes_for_an_attack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P5 20000 20000 255\n")
    assert_refused(tmp_path, str(tmp_path / "a.ppm"), "DecompressionBombError", "400000000 pixels")


def test_pillows_warnings_stay_inside_and_others_are_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.png"
    palette_image(300, 300)[0].save(file, transparency=bytes(16))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300 * 300 - 1)
    with warnings.catch_warnings(record=True) as by_pillow:
        warnings.simplefilter("always")
        with Image.open(file) as image:
            image.convert("RGB")
    assert {warning.category for warning in by_pillow} == {Image.DecompressionBombWarning, UserWarning}
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        load_photographs(tmp_path)
        warnings.warn("still here", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in heard] == ["still here"]
    assert list(warnings.filters) == filters
