"""What is seen of an image, against torchvision's own transforms and Pillow's own filter."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional as F  # noqa: N812  # as torchvision's own documentation calls it

from tests.trainer.pictures import photograph, scene
from trainer.data.transforms.crops import RandomResizedCrop, RandomScaleCrop, Resize, ResizeCenterCrop, Transform
from trainer.data.transforms.views import crop_images, crop_masks, frame_of, resampled_images, resampled_masks, sizes_of

pytestmark = pytest.mark.slow

SIZES = [(40, 60), (61, 33), (48, 48), (37, 90), (90, 31), (64, 50)]
RECIPES: list[Transform] = [
    ResizeCenterCrop(resize=37, side=32),
    Resize(resize=30),
    RandomResizedCrop(side=24),
    RandomScaleCrop(resize=36, crop=40),
    RandomScaleCrop(resize=100, crop=64),
]


def images(sizes: list[tuple[int, int]] = SIZES) -> list[Image.Image]:
    return [Image.fromarray(photograph(seed, *size)) for seed, size in enumerate(sizes)]


def masks(sizes: list[tuple[int, int]] = SIZES) -> list[Image.Image]:
    return [Image.fromarray(scene(seed, *size, 5)[1]) for seed, size in enumerate(sizes)]


def drawn(transform: Transform, count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, transform.uniforms, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def stacked(parts: list[Image.Image], filling: int) -> torch.Tensor:
    """As `InMemoryDataset` stacks images of several sizes: each in the upper left corner."""
    height, width = sizes_of(parts).amax(dim=0).tolist()
    arrays = [np.asarray(part) for part in parts]
    shape = (len(parts), height, width, *arrays[0].shape[2:])
    filled = np.full(shape, filling, dtype=np.uint8)
    for index, array in enumerate(arrays):
        filled[index, : array.shape[0], : array.shape[1]] = array
    batch = torch.from_numpy(filled)
    return batch.permute(0, 3, 1, 2) if batch.dim() == 4 else batch


def pillow(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def test_the_middle_is_torchvisions_resize_and_centre_crop() -> None:
    transform = ResizeCenterCrop(resize=37, side=32)
    crops = transform.crop_params(sizes_of(images()), drawn(transform, len(SIZES)))
    seen = crop_images(images(), crops, transform.frame)
    for got, image in zip(seen, images(), strict=True):
        wanted = pillow(F.center_crop(F.resize(image, 37), [32, 32]))
        # Pillow rounds between rows and columns in another order where only a part is asked for: by a level, evenly.
        assert (got.int() - wanted.int()).abs().max() <= 1
        assert (got.double() - wanted.double()).mean().abs() < 0.03


def test_the_whole_is_torchvisions_resize_to_the_bit_and_filled_up() -> None:
    transform = Resize(resize=30)
    crops = transform.crop_params(sizes_of(images()), drawn(transform, len(SIZES)))
    frame = frame_of(crops, transform.frame)
    seen, labels = crop_images(images(), crops, frame), crop_masks(masks(), crops, frame)
    for got, label, image, mask in zip(seen, labels, images(), masks(), strict=True):
        wanted = pillow(F.resize(image, 30))
        height, width = wanted.shape[1:]
        assert torch.equal(got[:, :height, :width], wanted)
        assert not got[:, height:].any()
        assert not got[:, :, width:].any()
        nearest = np.array(F.resize(mask, 30, F.InterpolationMode.NEAREST))
        assert (label[:height, :width].numpy() == nearest).mean() > 0.999
        assert (label[height:] == 255).all()
        assert (label[:, width:] == 255).all()


@pytest.mark.parametrize("transform", RECIPES, ids=repr)
def test_a_batch_on_the_device_looks_as_its_files_do(transform: Transform) -> None:
    sizes = sizes_of(images())
    crops = transform.crop_params(sizes, drawn(transform, len(SIZES)))
    frame = frame_of(crops, transform.frame)
    by_file = crop_images(images(), crops, frame).float()
    by_batch = resampled_images(stacked(images(), 0), sizes, crops, frame)
    # Pillow rounds to whole levels after columns and after rows, and computes with 22 bits.
    assert (by_file - by_batch).abs().max() <= 1.1
    assert (by_file - by_batch).abs().mean() < 0.4
    same = crop_masks(masks(), crops, frame) == resampled_masks(stacked(masks(), 255), crops, frame)
    assert same.float().mean() > 0.999


def torchvisions_area(image: Image.Image, generator_seed: int, count: int) -> torch.Tensor:
    """(count, 4): top, left, height, width that torchvision's RandomResizedCrop draws."""
    from torchvision.transforms import RandomResizedCrop as TorchvisionCrop

    torch.manual_seed(generator_seed)
    return torch.tensor([TorchvisionCrop.get_params(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(count)])


@pytest.mark.parametrize("size", [(60, 80), (30, 200), (200, 30)])
def test_random_areas_are_distributed_as_torchvisions(size: tuple[int, int]) -> None:
    count, transform = 4000, RandomResizedCrop(side=32)
    crops = transform.crop_params(torch.tensor([size]).expand(count, 2), drawn(transform, count))
    ours = torch.cat([crops.start, crops.step * transform.side], dim=1)
    theirs = torchvisions_area(Image.new("RGB", (size[1], size[0])), 0, count).double()
    assert (ours == ours.round()).all()
    for column in range(4):
        for share in (0.1, 0.25, 0.5, 0.75, 0.9):
            quantiles = (ours[:, column].quantile(share), theirs[:, column].quantile(share))
            # 4,000 draws place a quantile within about 0.025 of the ranks: a pixel or two of these images.
            assert abs(quantiles[0] - quantiles[1]) <= 0.03 * max(size), (column, share, quantiles)
    assert 0.46 < crops.mirrored.double().mean() < 0.54
    inside = ours[:, :2] + ours[:, 2:] <= torch.tensor(size)
    assert inside.all()


def test_an_area_that_never_fits_is_the_middle() -> None:
    transform = RandomResizedCrop(side=8)
    # With every uniform number at 1 - 2^-53, each try is the whole area at 4:3; a strip of 10 x 100 holds none.
    crops = transform.crop_params(torch.tensor([[10, 100]]), torch.full((1, transform.uniforms), 1 - 2**-53).double())
    assert crops.start.tolist() == [[0, 43]]  # 13 = round(10 * 4 / 3) columns: (100 - 13) // 2 to their left
    assert (crops.step * 8).tolist() == [[10, 13]]


def test_scales_lie_between_a_half_and_two_and_crops_within_the_image() -> None:
    transform = RandomScaleCrop(resize=52, crop=48)
    count = 5000
    crops = transform.crop_params(torch.tensor([[40, 50]]).expand(count, 2), drawn(transform, count))
    shorter = (40 / crops.step[:, 0]).round()
    assert (shorter.min(), shorter.max()) == (26, 104)  # 0.5 · 52 and 2 · 52, both drawn
    assert shorter.mean().item() == pytest.approx(65, abs=1.0)  # uniform: (26 + 104) / 2
    ends = crops.start + crops.seen * crops.step
    assert (ends <= torch.tensor([40, 50]).double() + 1e-9).all()
    small = shorter < 48
    assert (crops.seen[small][:, 0] == shorter[small]).all()
    assert (crops.start[small][:, 0] == 0).all()
    assert (crops.seen[~small] == 48).all()
    assert 0.46 < crops.mirrored.double().mean() < 0.54


def test_a_mirrored_view_is_the_view_from_right_to_left() -> None:
    transform = RandomScaleCrop(resize=36, crop=40)
    sizes = sizes_of(images())
    uniforms = drawn(transform, len(SIZES))
    plain, mirrored = (
        resampled_images(
            stacked(images(), 0),
            sizes,
            transform.crop_params(
                sizes, torch.cat([uniforms[:, :3], torch.full((len(SIZES), 1), side)], dim=1).double()
            ),
            transform.frame,
        )
        for side in (0.9, 0.1)
    )
    seen = transform.crop_params(sizes, uniforms).seen
    for one, other, (_, columns) in zip(plain, mirrored, seen.tolist(), strict=True):
        assert torch.allclose(one[:, :, :columns].flip(2), other[:, :, :columns], atol=1e-3)
        assert not other[:, :, columns:].any()
