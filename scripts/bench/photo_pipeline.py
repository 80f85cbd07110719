# From JPEG files to a batch of normalised numbers: optdnn against torch's DataLoader with Pillow, per core.
#
# Both make batches of the same Imagenette files with the same augmentation (random resized crop 224 bicubic, flip,
# rand-m9-mstd0.5-inc1, random erasing by pixels), one thread each, in turn; minimum and median of so many rounds.
#
#     .venv-peers/bin/python scripts/bench/photo_pipeline.py DATA [--rounds 5] [--program build/release/optdnn]
#
# DATA holds the folder imagenette-160 (optdnn fetch imagenette --data DATA --from ...). Python reads it as a folder,
# optdnn too, or, with --archives FOLDER, from the archives imagenette-160*.tar there.
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from check_timm import import_timm

DESCRIPTION = "Images a second per core, from JPEG files to batches, against torch's DataLoader with Pillow."
BATCH, BATCHES = 128, 3
CONFIG = f"""
dataset: {{name: imagenette, batch_size: {BATCH}, size_px: 224, resize_px: 256,
          augment: [crop, flip, rand_augment, erase]}}
algorithm: {{name: gradient_descent}}
module: {{name: convnext, kernel_px: 1, expansion: 1}}
depth: 1
width: 1
stem: {{name: patchify, patch_px: 32}}
head: {{name: pool_norm_linear}}
optimizer: {{name: adamw}}
train: {{length: {{epochs: 1}}}}
"""


def python_loader(data):
    import_timm()
    from timm.data.auto_augment import rand_augment_transform
    from timm.data.random_erasing import RandomErasing
    from torchvision import datasets, transforms
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    fill = tuple(min(255, round(255 * value)) for value in mean)
    bicubic = transforms.InterpolationMode.BICUBIC
    steps = [transforms.RandomResizedCrop(224, interpolation=bicubic), transforms.RandomHorizontalFlip(),
             rand_augment_transform("rand-m9-mstd0.5-inc1",
                                    {"translate_const": 100, "img_mean": fill, "interpolation": 3,
                                     "magnitude_max": 9.99}),  # at 10, timm keeps 0 bits, which Pillow 13 refuses
             transforms.ToTensor(), transforms.Normalize(mean, std), RandomErasing(0.25, mode="pixel", device="cpu")]
    images = datasets.ImageFolder(str(data / "imagenette-160/train"), transforms.Compose(steps))
    return torch.utils.data.DataLoader(images, batch_size=BATCH, shuffle=True, num_workers=0)


def python_batch_s(loader):
    batches, fastest = iter(loader), float("inf")
    for _ in range(BATCHES):
        begin = time.perf_counter()
        next(batches)
        fastest = min(fastest, time.perf_counter() - begin)
    return fastest


def our_batch_s(program, config, data):
    words = [program, "check", config, "--data", data, "--json", "--threads", "1", "--device", "cpu"]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)[0]["batch_s"]


def main():
    root = Path(__file__).resolve().parent.parent.parent
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    parser.add_argument("data", type=Path)
    parser.add_argument("--archives", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", default=root / "build/release/optdnn")
    options = parser.parse_args()
    torch.set_num_threads(1)
    loader = python_loader(options.data)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "pipeline.yaml"
        config.write_text(CONFIG)
        for _ in range(options.rounds):
            theirs.append(python_batch_s(loader))
            ours.append(our_batch_s(options.program, config, options.archives or options.data))
    for name, seconds in (("optdnn", ours), ("DataLoader, Pillow", theirs)):
        best, median = BATCH / min(seconds), BATCH / statistics.median(seconds)
        print(f"{name:20} images/s per core: best {best:7.1f}  median {median:7.1f}")
    best, median = min(theirs) / min(ours), statistics.median(theirs) / statistics.median(ours)
    print(f"{'ratio':20} best {best:.2f}  median {median:.2f}"
          f"  (n = {options.rounds} rounds of the best of {BATCHES} batches of {BATCH}, {os.cpu_count()} cores)")


if __name__ == "__main__":
    main()
