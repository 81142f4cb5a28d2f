"""What crops show: of decoded files, an image at a time, or of tensors on the training device, a batch at a time.

Both filter as Pillow's antialiased bilinear filter does (a triangle as wide as the step, at least two pixels), so that
an image looks the same whichever way it takes; the batch, done in float32 without rounding between rows and columns,
lies within a level or two of the file's.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trainer.data.datasets.images import IGNORE_INDEX
from trainer.data.transforms.crops import CropParams, Frame


def sizes_of(images: list[Image.Image]) -> Tensor:
    """int64 (images, 2): heights and widths."""
    return torch.tensor([[image.height, image.width] for image in images])


def frame_of(crops: CropParams, frame: Frame | None) -> Frame:
    """The frame, or the smallest one that holds all that is seen."""
    if frame is not None:
        return frame
    height, width = crops.seen.amax(dim=0).tolist()
    return height, width


def crop_images(images: list[Image.Image], crops: CropParams, frame: Frame) -> Tensor:
    """Images as uint8 (images, channels, height, width); black beyond what is seen."""
    filled = torch.zeros(len(images), len(images[0].getbands()), *frame, dtype=torch.uint8)
    for index, image in enumerate(images):
        seen = np.array(_seen(image, crops, index, Image.Resampling.BILINEAR))
        pixels = torch.from_numpy(seen.reshape(*seen.shape[:2], -1)).permute(2, 0, 1)
        filled[index, :, : pixels.shape[1], : pixels.shape[2]] = pixels
    return filled


def crop_masks(masks: list[Image.Image], crops: CropParams, frame: Frame) -> Tensor:
    """Masks as uint8 (images, height, width), every pixel the nearest one's class; IGNORE_INDEX beyond what is seen."""
    filled = torch.full((len(masks), *frame), IGNORE_INDEX, dtype=torch.uint8)
    for index, mask in enumerate(masks):
        seen = torch.from_numpy(np.array(_seen(mask, crops, index, Image.Resampling.NEAREST)))
        filled[index, : seen.shape[0], : seen.shape[1]] = seen
    return filled


def _seen(image: Image.Image, crops: CropParams, index: int, filter_: Image.Resampling) -> Image.Image:
    top, left = crops.start[index].tolist()
    rows, columns = crops.seen[index].tolist()
    high, wide = crops.step[index].tolist()
    # Rounding may put an edge a hair beyond the image, which Pillow refuses.
    box = (left, top, min(left + columns * wide, image.width), min(top + rows * high, image.height))
    seen = image.resize((columns, rows), filter_, box=box)
    return seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if crops.mirrored[index] else seen


def resampled_images(pixels: Tensor, sizes: Tensor, crops: CropParams, frame: Frame) -> Tensor:
    """What crops show of a batch, float32 (images, channels, *frame); black beyond what is seen.

    Args:
        pixels: (images, channels, height, width), each image in the upper left corner.
        sizes: int64 (images, 2), how much of it each image fills.
    """
    rows = _weights(crops, sizes, 0, frame[0], pixels.shape[2])
    columns = _weights(crops, sizes, 1, frame[1], pixels.shape[3])
    return rows.unsqueeze(1) @ pixels.float() @ columns.transpose(1, 2).unsqueeze(1)


def resampled_masks(masks: Tensor, crops: CropParams, frame: Frame) -> Tensor:
    """What crops show of masks, uint8 (images, *frame); IGNORE_INDEX beyond what is seen."""
    rows, below = _centres(crops, 0, frame[0])
    columns, right = _centres(crops, 1, frame[1])
    image = torch.arange(len(masks), device=masks.device)[:, None, None]
    row = rows.floor().long().clamp(0, masks.shape[1] - 1)
    column = columns.floor().long().clamp(0, masks.shape[2] - 1)
    shown = masks[image, row[:, :, None], column[:, None, :]]
    return shown.masked_fill((below[:, :, None] | right[:, None, :]), IGNORE_INDEX)


def _centres(crops: CropParams, axis: int, length: int) -> tuple[Tensor, Tensor]:
    """Where in its image the middle of each seen row (axis 0) or column (1) lies, and which of them lie outside it."""
    seen = crops.seen[:, axis, None]
    place = torch.arange(length, device=seen.device).expand(len(seen), length)
    outside = place >= seen
    if axis == 1:
        place = torch.where(crops.mirrored[:, None], seen - 1 - place, place)
    return crops.start[:, axis, None] + (place + 0.5) * crops.step[:, axis, None], outside


def _weights(crops: CropParams, sizes: Tensor, axis: int, length: int, extent: int) -> Tensor:
    """How much of each of `extent` pixels each of `length` seen ones holds: float32 (images, length, extent)."""
    centres, outside = _centres(crops, axis, length)
    reach = crops.step[:, axis].clamp_min(1)[:, None, None]
    pixel = torch.arange(extent, device=sizes.device)
    # Distances are exact to 1/1000 pixel in float32, which a GPU and a CPU do in half the time of float64.
    weights = (1 - ((pixel + 0.5 - centres.float().unsqueeze(2)) / reach.float()).abs()).clamp_min(0)
    weights = weights * ((pixel < sizes[:, axis, None, None]) & ~outside.unsqueeze(2))
    return weights / weights.sum(dim=2, keepdim=True).clamp_min(1e-6)
