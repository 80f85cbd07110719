# Data sets, pictures, archives, weights and run folders that are damaged: cases of the table tests/broken_inputs.md.

import base64
import gzip
import io
import json
import struct
import tarfile
import zlib

from broken_case import Case
from program import RINGS

# 16 x 12 pixels.
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
    "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT0//wAARCAAMABADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAABQb/xAAdEAABBAMBAQAAAAAAAAAAAAABAAID"
    "IQQFMRES/8QAFQEBAQAAAAAAAAAAAAAAAAAAAgX/xAAdEQAABQUAAAAAAAAAAAAAAAAAAQIDBAUREiEx/9oADAMBAAIRAxEAPwA3"
    "W43KVPixfDABRKM1sbapPYbQ6Wxw+BOrSjYjnj1WhObTcx//2Q==")
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
HTML = b"<!DOCTYPE html>\n<html><body>404</body></html>\n"
TRAINED = RINGS.replace("epochs: 4", "iterations: 4")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 4, height: int = 4, rows: bytes | None = None) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = rows if rows is not None else (b"\0" + b"\x7f" * width) * height
    body = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(pixels, 0)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1:]


def photos(changes: dict[str, bytes | None] | None = None) -> dict[str, str | bytes]:
    """A folder p of two classes with a picture in each, and changes to it; None removes a file."""
    files: dict = {f"{split}/{label}/0.jpg": JPEG for split in ("train", "val") for label in ("cat", "dog")}
    files |= changes or {}
    return {"p/" + name: content for name, content in files.items() if content is not None}


def pictures() -> list[Case]:
    def picture(what: str, content: bytes) -> Case:
        return Case("as a picture: " + what, photos({"train/cat/x.jpg": content}), ["check", "p"], 3)

    frame = JPEG.find(b"\xff\xc0")
    sized = JPEG[:frame + 5] + struct.pack(">HH", 60000, 60000) + JPEG[frame + 9:]
    return [
        picture("no bytes", b""), picture("text", b"not a picture\n"), picture("zeros", b"\0" * 1000),
        picture("a Git LFS pointer", LFS), picture("an HTML page", HTML),
        picture("WebP", b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 24), picture("GIF", b"GIF89a" + b"\0" * 20),
        picture("BMP", b"BM" + b"\0" * 60), picture("TIFF", b"II*\0" + b"\0" * 60),
        picture("HEIF", b"\0\0\0\x18ftypheic" + b"\0" * 20), picture("a PDF", b"%PDF-1.7\n"),
        picture("an AppleDouble file", b"\0\5\x16\7\0\2\0\0Mac OS X" + b"\0" * 50),
        picture("gzip", gzip.compress(JPEG, mtime=0)),
        picture("a JPEG of two bytes", JPEG[:2]), picture("a JPEG cut in its header", JPEG[:100]),
        picture("a JPEG cut in its pixels", JPEG[:300]), picture("a JPEG without its end", JPEG[:-2]),
        picture("a JPEG that declares 3,600 megapixels", sized),
        picture("a JPEG of no height", JPEG[:frame + 5] + b"\0\0" + JPEG[frame + 7:]),
        picture("a PNG cut off", png()[:50]), picture("a PNG whose header's checksum is wrong", flipped(png(), 30)),
        picture("a PNG whose pixels are damaged", flipped(png(), 48)),
        picture("a PNG with too few pixels", png(rows=b"\0\1\2")),
        picture("a PNG that declares 10,000 megapixels", png(100000, 100000, b"\0")),
        picture("a PNG of no width", png(0, 4, b"\0" * 4)),
    ]


def folders() -> list[Case]:
    config = """\
dataset:   {name: image_folder, folder: p, classes: 2, size_px: 8, resize_px: 9, batch_size: 2}
algorithm: gradient_descent
module:    conv_preact
depth:     1
width:     4
train:     {length: {iterations: 1}}
"""

    def folder(what: str, files: dict, status: int, links: dict | None = None) -> Case:
        return Case("image folder: " + what, {"c.yaml": config, **files}, ["check", "c.yaml", "--data", "."], status,
                    links or {})

    return [
        folder("missing", {}, 3),
        Case("image folder: beside the config", {"c.yaml": config, **photos({})}, ["check", "c.yaml"], 3),
        folder("a gzipped archive in its place", {"p.tar.gz": b"x"}, 3),
        folder("without train", photos({"train/cat/0.jpg": None, "train/dog/0.jpg": None}), 3),
        folder("without val", photos({"val/cat/0.jpg": None, "val/dog/0.jpg": None}), 3),
        folder("one class", photos({"train/dog/0.jpg": None, "val/dog/0.jpg": None}), 3),
        folder("three classes", photos({"train/eel/0.jpg": JPEG}), 2),
        folder("a class in train alone", photos({"val/dog/0.jpg": None}), 3),
        folder("other classes in val", photos({"val/dog/0.jpg": None, "val/eel/0.jpg": JPEG}), 3),
        folder("a class without pictures", photos({"train/dog/0.jpg": None, "train/dog/0.txt": b"x"}), 3),
        folder("pictures of other kinds alone", photos({"train/dog/0.jpg": None, "train/dog/0.webp": b"x"}), 3),
        folder("a picture of another kind", photos({"train/dog/1.webp": b"x"}), 0),
        folder("a picture outside the classes", photos({"train/1.jpg": JPEG}), 0),
        folder("hidden files", photos({"train/dog/._0.jpg": b"\0\5\x16\7", "train/.ipynb/0.jpg": b"x"}), 0),
        folder("links that lead nowhere", photos(), 0, {"p/train/cat/1.jpg": "gone.jpg", "p/train/loop": "loop"}),
        folder("a link back to its folder", photos(), 0, {"p/train/cat/more": "."}),
        folder("a damaged picture", photos({"train/cat/0.jpg": JPEG[:200], "train/dog/0.jpg": JPEG[:200]}), 3),
    ]


def members(*more: tuple[str, bytes, bytes, str]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        sound = [(name[2:], content, tarfile.REGTYPE, "") for name, content in photos().items()]
        for name, content, kind, link in [*sound, *more]:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, link
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


def archives() -> list[Case]:
    def archive(what: str, content: bytes, status: int = 3) -> Case:
        return Case("tar archive: " + what, {"p.tar": content}, ["check", "p.tar"], status)

    plain, regular = members(), tarfile.REGTYPE
    return [
        archive("gzipped", gzip.compress(plain, mtime=0)), archive("zip", b"PK\3\4" + b"\0" * 600),
        archive("xz", b"\xfd7zXZ\0" + b"\0" * 600), archive("a Git LFS pointer", LFS + b"\0" * 600),
        archive("no bytes", b""), archive("text", b"x" * 2000),
        archive("a header's checksum is wrong", flipped(plain, 3)),
        archive("cut in a picture", plain[:700]),
        archive("a size beyond the end", plain[:124] + b"77777777777" + plain[135:]),
        archive("a name that leads out", members(("../../x.jpg", JPEG, regular, ""))),
        archive("pictures outside the classes", members(("x.jpg", JPEG, regular, "")), 0),
        archive("a link to nothing", members(("train/cat/l.jpg", b"", tarfile.SYMTYPE, "gone.jpg")), 0),
        archive("a device by the name of a picture", members(("train/cat/d.jpg", b"", tarfile.CHRTYPE, "")), 0),
    ]


def data_sets() -> list[Case]:
    def config(name: str) -> str:
        return f"dataset: {name}\nmodel: {{name: resnet, layers: 8, width: 2}}\ntrain: {{length: {{iterations: 1}}}}\n"

    def cifar(what: str, files: dict) -> Case:
        return Case("CIFAR-10: " + what, {"c.yaml": config("cifar10"), **files}, ["check", "c.yaml", "--data", "."], 3)

    def mnist(what: str, files: dict) -> Case:
        return Case("MNIST: " + what, {"c.yaml": config("mnist"), **files}, ["check", "c.yaml", "--data", "."], 3)

    first, images = "cifar-10-batches-bin/data_batch_1.bin", "mnist/train-images-idx3-ubyte"
    return [
        cifar("missing", {}), cifar("a file of it", {first: b"\0" * 3073}), cifar("an LFS pointer", {first: LFS}),
        cifar("a wrong label", {first: b"\xff" * 30730000}), mnist("missing", {}), mnist("no bytes", {images: b""}),
        mnist("an HTML page", {images + ".gz": HTML}),
        mnist("gzip that is cut off", {images + ".gz": gzip.compress(b"x" * 99, mtime=0)[:-9]}),
        mnist("other dimensions", {images: struct.pack(">IIII", 0x803, 5, 28, 28) + b"\0" * 5 * 784}),
    ]


def safetensors(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def weights() -> list[Case]:
    def file(what: str, content: bytes | None) -> Case:
        config = TRAINED + "init: {from: w.safetensors}\n"
        files = {} if content is None else {"w.safetensors": content}
        return Case("weights: " + what, {"c.yaml": config, **files}, ["check", "c.yaml"], 3)

    def tensor(**changes: object) -> dict:
        return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}

    return [
        file("missing", None), file("no bytes", b""), file("a Git LFS pointer", LFS), file("an HTML page", HTML),
        file("PyTorch's zip of a pickle", b"PK\3\4" + b"\0" * 100), file("an old pickle", b"\x80\2}q\0." + b"\0" * 50),
        file("HDF5", b"\x89HDF\r\n\x1a\n" + b"\0" * 50), file("a NumPy array", b"\x93NUMPY\1\0" + b"\0" * 50),
        file("a header beyond the file", struct.pack("<Q", 1 << 40) + b"{}"),
        file("a header that is no JSON", safetensors(b"{oops")),
        file("floats of 8 bits", safetensors(tensor(dtype="F8_E4M3", data_offsets=[0, 2]), b"\0" * 2)),
        file("a tensor beyond the file", safetensors(tensor(), b"\0" * 4)),
        file("a gap", safetensors(tensor(data_offsets=[8, 16]), b"\0" * 16)),
        file("a shape of other bytes", safetensors(tensor(shape=[3]), b"\0" * 8)),
        file("a name twice", safetensors(b'{"a":{},"a":{}}')),
        file("another network's names", safetensors(tensor(), b"\0" * 8)),
    ]


def all_cases() -> list[Case]:
    return pictures() + folders() + archives() + data_sets() + weights()
