# Writes images and what Pillow makes of them: pillow_peer.py FOLDER. Each line of FOLDER/cases.txt is one case:
#   decode FILE WIDTH HEIGHT RGB          Image.open(FILE).convert("RGB")
#   refuse FILE                           Pillow raises an error
#   crop FILE LEFT TOP WIDTH HEIGHT RGB   Image.open(FILE).crop(...).resize((24, 24), bicubic), as torchvision crops
#   resize LEFT TOP RIGHT BOTTOM WIDTH HEIGHT RGB   of photo.rgb (61 x 47), bicubic, of that box
#   <operation> ARGUMENT RGB              of photo.rgb
# Exit status 77: this Python lacks Pillow.
import io
import random
import struct
import sys
import zlib
from pathlib import Path

try:
    from PIL import Image, ImageEnhance, ImageOps
except ImportError as error:
    print(error)
    sys.exit(77)

folder = Path(sys.argv[1])
draw = random.Random(5)
cases = []


def photo(width, height):
    small = Image.frombytes("RGB", (9, 7), bytes(draw.randrange(256) for _ in range(9 * 7 * 3)))
    noise = Image.frombytes("RGB", (width, height), bytes(draw.randrange(256) for _ in range(width * height * 3)))
    return Image.blend(small.resize((width, height), Image.Resampling.BICUBIC), noise, 0.15)


def case(words, image):
    name = f"{len(cases)}.rgb"
    (folder / name).write_bytes(image.convert("RGB").tobytes())
    cases.append(f"{words} {name}")


def file_case(name, data):
    (folder / name).write_bytes(data)
    try:
        image = Image.open(io.BytesIO(data)).convert("RGB")
    except OSError:
        cases.append(f"refuse {name}")
        return
    case(f"decode {name} {image.width} {image.height}", image)


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


big = photo(83, 59)
file_case("plain.jpg", saved(big, format="JPEG", quality=88))
file_case("full_color.jpg", saved(big, format="JPEG", quality=95, subsampling=0))
file_case("half_color.jpg", saved(big, format="JPEG", quality=80, subsampling=1))
file_case("progressive.jpg", saved(big, format="JPEG", quality=85, progressive=True))
file_case("grey.jpg", saved(big.convert("L"), format="JPEG", quality=85))
file_case("cmyk.jpg", saved(big.convert("CMYK"), format="JPEG", quality=90))
turned = Image.Exif()
turned[0x0112] = 6
file_case("turned.jpg", saved(big, format="JPEG", quality=90, exif=turned))
file_case("png_by_another_name.jpg", saved(big, format="PNG"))
file_case("transparent.png", saved(big.convert("RGBA"), format="PNG"))


def without_marker(data, marker):
    kept, at = data[:2], 2
    while data[at + 1] != 0xDA:
        size = 2 + struct.unpack(">H", data[at + 2:at + 4])[0]
        kept += b"" if data[at + 1] == marker else data[at:at + size]
        at += size
    return kept + data[at:]


cmyk = saved(big.convert("CMYK"), format="JPEG", quality=90)
adobe = cmyk.find(b"Adobe")
file_case("cmyk_without_adobe.jpg", without_marker(cmyk, 0xEE))
file_case("ycck.jpg", cmyk[:adobe + 11] + b"\2" + cmyk[adobe + 12:])
file_case("without_jfif.jpg", without_marker(saved(big, format="JPEG", quality=88), 0xE0))
file_case("rgb.jpg", saved(big, format="JPEG", quality=90, keep_rgb=True))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


plain_png = saved(big, format="PNG")
for name, more in (("text_2MiB", chunk(b"tEXt", b"Comment\0" + b"x" * (2 << 20))),
                   ("texts_2000", b"".join(chunk(b"tEXt", b"k%d\0v" % i) for i in range(2000))),
                   ("unknown", chunk(b"prVt", b"?") + chunk(b"ABCD", b"?"))):
    file_case(f"{name}.png", plain_png[:33] + more + plain_png[33:])
for kind in ("1", "L", "LA", "P", "RGB", "RGBA"):
    file_case(f"mode_{kind}.png", saved(big.convert(kind), format="PNG"))
file_case("without_end.png", plain_png[:-12])
for length in (40, len(plain_png) // 2):
    file_case(f"cut_at_{length}.png", plain_png[:length])
for left, top, width, height in ((0, 0, 83, 59), (3, 5, 40, 33), (50, 20, 33, 39), (10, 2, 5, 4)):
    box = Image.open(io.BytesIO(plain_png)).crop((left, top, left + width, top + height))
    (folder / "plain.png").write_bytes(plain_png)
    case(f"crop plain.png {left} {top} {width} {height}", box.resize((24, 24), Image.Resampling.BICUBIC))
plain = saved(big, format="JPEG", quality=88)
for length in (2, 100, 400, len(plain) // 2, len(plain) - 2):
    file_case(f"cut_at_{length}.jpg", plain[:length])
file_case("junk_behind.jpg", plain + b"junk" * 50)
file_case("empty.jpg", b"")
file_case("text.jpg", b"this is no image" * 20)

image = photo(61, 47)
(folder / "photo.rgb").write_bytes(image.tobytes())
for box in ((0, 0, 61, 47), (3, 5, 40, 33), (10, 2, 15, 40), (2.5, 1.25, 50.75, 44.5)):
    for size in ((24, 24), (61, 47), (100, 7), (130, 120), (1, 1)):
        case(f"resize {' '.join(map(str, box))} {size[0]} {size[1]}",
             image.resize(size, Image.Resampling.BICUBIC, box=box))

fill = {"resample": Image.Resampling.BICUBIC, "fillcolor": (124, 116, 104)}


def affine(*matrix):
    return image.transform(image.size, Image.Transform.AFFINE, matrix, **fill)


case("mirror 0", ImageOps.mirror(image))
case("auto_contrast 0", ImageOps.autocontrast(image))
case("equalize 0", ImageOps.equalize(image))
case("invert 0", ImageOps.invert(image))
for bits in (1, 2, 4):
    case(f"posterize {bits}", ImageOps.posterize(image, bits))
for threshold in (0, 26, 128, 256):
    case(f"solarize {threshold}", ImageOps.solarize(image, threshold))
case("solarize_add 99", image.point([min(255, v + 99) if v < 128 else v for v in range(256)] * 3))
for factor in (0.1, 0.19, 0.7, 1.0, 1.81, 1.9):
    case(f"color {factor}", ImageEnhance.Color(image).enhance(factor))
    case(f"contrast {factor}", ImageEnhance.Contrast(image).enhance(factor))
    case(f"brightness {factor}", ImageEnhance.Brightness(image).enhance(factor))
    case(f"sharpness {factor}", ImageEnhance.Sharpness(image).enhance(factor))
for degrees in (-27.3, 0.0, 4.5, 30.0):
    case(f"rotate {degrees}", image.rotate(degrees, **fill))
for amount in (-0.27, 0.1, 0.3):
    case(f"shear_x {amount}", affine(1, amount, 0, 0, 1, 0))
    case(f"shear_y {amount}", affine(1, 0, 0, amount, 1, 0))
    case(f"translate_x {amount}", affine(1, 0, amount * image.width, 0, 1, 0))
    case(f"translate_y {amount}", affine(1, 0, 0, 0, 1, amount * image.height))

(folder / "cases.txt").write_text("\n".join(cases) + "\n")
