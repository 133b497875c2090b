"""Small image data sets as people keep them: PNG and JPEG files in folders."""
import pathlib

import numpy
from PIL import Image


def draw(index, anomalous, size=(40, 30), mode="L"):
    """Bars of random phase and brightness; an anomaly has a dark square somewhere. Returns image and mask."""
    random = numpy.random.default_rng((index, anomalous))
    width, height = size
    bars = (numpy.arange(width) + random.integers(8)) // 4 % 2 * random.integers(120, 200) + 50
    pixels = numpy.tile(bars, (height, 1)) + random.integers(-8, 9, (height, width))
    mask = numpy.zeros((height, width), numpy.uint8)
    if anomalous:
        side = max(1, min(size) // 3)
        x, y = random.integers(width - side + 1), random.integers(height - side + 1)
        pixels[y : y + side, x : x + side] = 0
        mask[y : y + side, x : x + side] = 255
    gray = numpy.clip(pixels, 0, 255).astype(numpy.uint8)
    if mode == "RGB":
        return Image.fromarray(numpy.stack([gray, gray // 2, 255 - gray], axis=-1)), Image.fromarray(mask)
    return Image.fromarray(gray), Image.fromarray(mask)


def fill(folder, count, anomalous, first=0, end="png", masks=None, **how):
    """`count` images as 000.png, 001.png, ...; their masks as 000_mask.png in the folder `masks`."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if masks:
        pathlib.Path(masks).mkdir(parents=True, exist_ok=True)
    for i in range(first, first + count):
        image, mask = draw(i, anomalous, **how)
        image.save(folder / f"{i:03}.{end}")
        if masks:
            mask.save(pathlib.Path(masks) / f"{i:03}_mask.png")
    return str(folder)


def make_pairs(root, normal=40, abnormal=40, **how):
    """normal/ and abnormal/"""
    fill(pathlib.Path(root, "normal"), normal, False, **how)
    if abnormal:
        fill(pathlib.Path(root, "abnormal"), abnormal, True, **how)
    return str(root)


def make_mvtec(root, train=40, test=12, masks=True, **how):
    """train/good, test/good, test/hole, test/stain and ground_truth"""
    root = pathlib.Path(root)
    fill(root / "train" / "good", train, False, **how)
    fill(root / "test" / "good", test, False, first=1000, **how)
    for k, defect in enumerate(["hole", "stain"]):
        fill(root / "test" / defect, test, True, first=2000 + 1000 * k, masks=masks and root / "ground_truth" / defect, **how)
    return str(root)
