"""What pixels hold decides which value is white, and whether there is anything to see."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from contract.data_report import summary
from contract.errors import DataDamaged, RunError
from tests.trainer.pictures import class_folder, photograph
from tests.trainer.test_messy_folders import found, load
from trainer.data.datasets.images import TensorImages
from trainer.data.inspection.inspection import look_at_arrays
from trainer.data.reading import read_image


def grey_folder(root: Path, save: Any, *, count: int = 6) -> None:
    """Two classes of smooth pictures, grey, 0 – 255, each saved by `save(pixels, path without ending)`."""
    for number, name in enumerate(("alpha", "beta")):
        (root / "mine" / name).mkdir(parents=True)
        for index in range(count):
            save(photograph(100 * number + index, 12, 12)[..., 0], root / "mine" / name / str(index))


def tiff(scale: float, dtype: Any, least: float = 0) -> Any:
    def save(pixels: np.ndarray, path: Path) -> None:
        Image.fromarray((least + pixels.astype(np.float64) * scale).astype(dtype)).save(path.with_suffix(".tif"))

    return save


def pixels_of(root: Path) -> torch.Tensor:
    data = load(root)
    return torch.cat([batch.pixels.flatten() for part in (data.train, data.test) for batch in part.in_order(8)])


@pytest.mark.parametrize(
    ("scale", "dtype", "white"),
    [
        (1000, np.int32, 262_143),  # 255,000 at most needs 18 bits
        (400, np.int32, 131_071),
        (4_000_000, np.int32, 1_073_741_823),
        (1000, np.float32, 262_143),
    ],
)
def test_white_of_more_than_16_bits_follows_the_sets_own_values(
    tmp_path: Path, scale: float, dtype: Any, white: float
) -> None:
    grey_folder(tmp_path, tiff(scale, dtype))
    data = load(tmp_path)
    values = found(data).values
    assert values is not None
    assert values.white == white
    assert values.white / 2 < values.high <= values.white
    pixels = pixels_of(tmp_path)
    assert pixels.max() > 127  # they were black as long as white was that of 31 bits
    assert len(pixels.unique()) > 50


def test_values_are_told_with_grouped_digits(tmp_path: Path) -> None:
    def save(pixels: np.ndarray, path: Path) -> None:
        large = pixels.astype(np.int32) * 1000
        large[0, 0], large[0, 1] = 0, 209_000
        Image.fromarray(np.minimum(large, 209_000)).save(path.with_suffix(".tif"))

    grey_folder(tmp_path, save)
    data = load(tmp_path)
    assert "Images have more than 8 bits: their values reach 209,000, and 262,143 is scaled to white." in (
        found(data).notes
    )
    assert "values 0 to 209,000" in summary(found(data))


def test_images_of_16_and_32_bits_in_one_set_have_one_white(tmp_path: Path) -> None:
    grey_folder(tmp_path, tiff(257, np.uint16))
    for file in sorted((tmp_path / "mine").rglob("*.tif"))[::2]:
        Image.fromarray(np.asarray(Image.open(file)).astype(np.int32) + 65_000).save(file)
    values = found(load(tmp_path)).values
    assert values is not None
    assert values.white == 131_071


def test_an_image_beyond_its_sets_white_is_refused_with_grouped_digits(tmp_path: Path) -> None:
    grey_folder(tmp_path, tiff(1000, np.int32))
    with pytest.raises(DataDamaged, match=r"and its set's go from 0 to 65,535\."):
        read_image(tmp_path, "mine/alpha/0.tif", 65_535)


@pytest.mark.parametrize(("least", "white"), [(10_000, "16,383"), (200_000, "262,143")])
def test_values_that_become_one_shade_are_refused(tmp_path: Path, least: float, white: str) -> None:
    grey_folder(tmp_path, tiff(0.1, np.int32, least))
    with pytest.raises(RunError, match=f"{white} is white.*come out in one shade"):
        load(tmp_path)


def test_values_that_leave_little_to_see_are_warned_of(tmp_path: Path) -> None:
    def save(pixels: np.ndarray, path: Path) -> None:
        Image.fromarray((pixels > 127).astype(np.uint8)).save(path.with_suffix(".png"))

    grey_folder(tmp_path, save)
    (warning,) = found(load(tmp_path)).warnings
    assert warning.startswith("Values go from 0 to 1, and 255 is white: they use 0.39 % of the range")


def test_bits_of_some_images_are_said_to_be_of_some(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"alpha": 6, "beta": 6})
    for index in range(3):
        image = photograph(index, 20, 24)[..., 0].astype(np.uint16) * 257
        Image.fromarray(image).save(tmp_path / "mine" / "alpha" / f"{index:03}.png")
    notes = found(load(tmp_path)).notes
    assert any(note.startswith("3 of 10 images looked at have more than 8 bits: ") for note in notes), notes


# ---------------------------------------------------------------- nothing to see


def in_alpha(pixels: np.ndarray, path: Path) -> None:
    layers = np.full((*pixels.shape, 4), 255, np.uint8)
    layers[..., 3] = pixels
    Image.fromarray(layers).save(path.with_suffix(".png"))


def in_alpha_of_grey(pixels: np.ndarray, path: Path) -> None:
    Image.merge("LA", (Image.new("L", pixels.shape[::-1], 7), Image.fromarray(pixels))).save(path.with_suffix(".png"))


def in_alpha_of_its_own_colour(pixels: np.ndarray, path: Path) -> None:
    layers = np.full((*pixels.shape, 4), int(path.name) * 20, np.uint8)
    layers[..., 3] = pixels
    Image.fromarray(layers).save(path.with_suffix(".png"))


@pytest.mark.parametrize("save", [in_alpha, in_alpha_of_grey, in_alpha_of_its_own_colour])
def test_pictures_in_the_alpha_channel_are_refused_with_the_remedy(tmp_path: Path, save: Any) -> None:
    grey_folder(tmp_path, save)
    with pytest.raises(RunError, match=r"All 10 images looked at are of one.* colour throughout") as refused:
        load(tmp_path)
    assert "The picture seems to be in the alpha channel, as in mine/" in str(refused.value.remedy)


def test_images_of_one_colour_are_refused(tmp_path: Path) -> None:
    def save(pixels: np.ndarray, path: Path) -> None:
        red = Image.new("RGB", (12, 12), (255, 0, 0))
        red.info["Comment"] = path.name
        red.save(path.with_suffix(".png"), compress_level=int(path.name))

    grey_folder(tmp_path, save)
    for index, file in enumerate(sorted((tmp_path / "mine").rglob("*.png"))):
        file.write_bytes(file.read_bytes() + bytes(index))  # no two files are the same
    with pytest.raises(RunError, match="of one and the same colour throughout: there is nothing to learn"):
        load(tmp_path)


def test_some_images_without_content_are_warned_of(tmp_path: Path) -> None:
    class_folder(tmp_path / "mine", {"alpha": 6, "beta": 6})
    in_alpha(photograph(1, 20, 24)[..., 0], tmp_path / "mine" / "alpha" / "000")
    Image.new("RGB", (24, 20), (9, 9, 9)).save(tmp_path / "mine" / "beta" / "001.png")
    warnings = found(load(tmp_path)).warnings
    assert any("2 of 10 images looked at are of one colour throughout" in each for each in warnings), warnings
    assert any("in 1 of them the picture seems to be in the alpha channel" in each for each in warnings)


def test_arrays_of_one_value_are_refused() -> None:
    nothing = TensorImages(torch.full((6, 1, 4, 4), 3, dtype=torch.uint8), torch.arange(6))
    with pytest.raises(RunError, match="All images hold the value 3 alone"):
        look_at_arrays([nothing, nothing])
