# CIFAR-10 in pieces that pass a narrow transfer: each binary file of 10,000 images becomes one lossless WebP atlas of
# 100 x 100 images and its labels, 17 MiB in the place of 30. Back again they are the same bytes.
#   pieces.py pack FOLDER TO       the files of FOLDER (cifar-10-batches-bin)
#   pieces.py unpack FROM FOLDER   whatever pieces lie in FROM
import pathlib
import shutil
import sys

import numpy
from PIL import Image

SIDE, PX = 100, 32
RECORD = 1 + 3 * PX * PX
FILES = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]


def atlas_of(records: numpy.ndarray) -> Image.Image:
    """Shapes: SIDE^2 x RECORD, label first, then three planes."""
    images = records[:, 1:].reshape(SIDE, SIDE, 3, PX, PX)
    return Image.fromarray(images.transpose(0, 3, 1, 4, 2).reshape(SIDE * PX, SIDE * PX, 3))


def records_of(atlas: Image.Image, labels: bytes) -> bytes:
    pixels = numpy.asarray(atlas.convert("RGB")).reshape(SIDE, PX, SIDE, PX, 3)
    planes = pixels.transpose(0, 2, 4, 1, 3).reshape(SIDE * SIDE, -1)
    return numpy.concatenate([numpy.frombuffer(labels, numpy.uint8)[:, None], planes], axis=1).tobytes()


def pack(folder: pathlib.Path, to: pathlib.Path) -> list[pathlib.Path]:
    """The pieces, which are left alone where they are there."""
    to.mkdir(parents=True, exist_ok=True)
    pieces = []
    for name in FILES:
        piece = to / f"{name}.webp"
        pieces.append(piece)
        if piece.exists():
            continue
        records = numpy.frombuffer((folder / name).read_bytes(), numpy.uint8).reshape(SIDE * SIDE, RECORD)
        (to / f"{name}.labels").write_bytes(records[:, 0].tobytes())
        part = piece.with_suffix(".part")
        atlas_of(records).save(part, "WEBP", lossless=True, quality=100, method=4)
        part.rename(piece)
    shutil.copy(folder / "batches.meta.txt", to)
    return pieces


def unpack(pieces: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Names of the files that are there afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.MAX_IMAGE_PIXELS = None
    for piece in sorted(pieces.glob("*.webp")):
        name = piece.name.removesuffix(".webp")
        (folder / name).write_bytes(records_of(Image.open(piece), (pieces / f"{name}.labels").read_bytes()))
    if (pieces / "batches.meta.txt").exists():
        shutil.copy(pieces / "batches.meta.txt", folder)
    return sorted(path.name for path in folder.iterdir())


if __name__ == "__main__":
    verb, source, target = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    print(*(pack if verb == "pack" else unpack)(source, target), sep="\n")
