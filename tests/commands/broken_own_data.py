# Tables and arrays of one's own that are damaged or do not fit: cases of the table tests/broken_inputs.md.

import io
import struct
import zipfile

from broken_case import Case
from broken_data import HTML, LFS

NETWORK = """\
algorithm: gradient_descent
module:    dense_two_layer
depth:     2
width:     2
train:     {length: {iterations: 2}}
"""


def table(what: str, content: bytes | str | None, status: int = 3, more: str = "") -> Case:
    config = f"dataset: {{name: table, file: t.csv, target: kind, test_fraction: 0.25{more}}}\n" + NETWORK
    files: dict = {"c.yaml": config} | ({} if content is None else {"t.csv": content})
    return Case("a CSV file: " + what, files, ["check", "c.yaml"], status)


def rows(changed: str = "", number: int = 3) -> str:
    lines = ["a,b,kind"] + [f"{i},{0.5 * i},{'no' if i % 2 else 'yes'}" for i in range(16)]
    if changed:
        lines[number] = changed
    return "\n".join(lines) + "\n"


def tables() -> list[Case]:
    return [
        table("missing", None), table("empty", ""), table("a line of names alone", "a,b,kind\n"),
        table("a row that is too short", rows("1,2")), table("a row that is too long", rows("1,2,3,no")),
        table("a cell without a value", rows(",1,no")), table("NA in a cell", rows("1,NA,no")),
        table("no class", rows("1,1,")), table("words among the inputs", rows("1,tall,no")),
        table("a number that does not fit", rows("1e999,1,no")), table("a quote never closed", rows('1,"2,no')),
        table("two columns of one name", rows("a,a,kind", 0)),
        table("another separator", rows().replace(",", ";")),
        table("one class", rows().replace("no", "yes")), table("a Git LFS pointer", LFS), table("an HTML page", HTML),
        table("zeros", b"\0" * 100), table("a workbook", b"PK\3\4" + b"\0" * 100),
        table("a column that is not there", rows(), 2, ", drop: [c]"),
        table("no column left", rows(), 2, ", drop: [a, b]"),
        table("the target dropped", rows(), 2, ", drop: [kind]"),
        table("a regression of words", rows(), 3, ", task: regression"),
        table("two test sets", rows(), 2, ", test: t.csv"),
        table("UTF-16", rows().encode("utf-16")),
        table("as many classes as rows", "a,kind\n" + "".join(f"{i},{i}\n" for i in range(40)), 2),
        table("a decimal comma", rows('"1,5",1,no')),
        table("decimal commas to be learnt", rows().replace("no", '"1,5"').replace("yes", '"2,5"')),
        Case("a CSV file: columns of decimal commas", {"t.csv": rows().replace(",", ";").replace(".", ",")},
             ["check", "t.csv"], 3),
        Case("a config for a table with decimal commas", {"t.csv": rows().replace(",", ";").replace(".", ",")},
             ["init", "table", "t.csv"], 3),
        Case("a CSV file: values are missing", {"t.csv": rows("1,,")}, ["check", "t.csv"], 3),
    ]


def npy(descr: str, shape: str, body: bytes, header: str = "") -> bytes:
    text = header or f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode() + body


def npz(**arrays: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0)), content)
    return data.getvalue()


X = npy("<f4", "(8, 2)", struct.pack("<16f", *range(16)))
Y = npy("<i8", "(8,)", struct.pack("<8q", *[0, 1] * 4))


def arrays() -> list[Case]:
    def file(what: str, content: bytes | None, status: int = 3, more: str = "") -> Case:
        config = f"dataset: {{name: arrays, train: a.npz, test_fraction: 0.25{more}}}\n" + NETWORK
        files: dict = {"c.yaml": config} | ({} if content is None else {"a.npz": content})
        return Case("an npz file: " + what, files, ["check", "c.yaml"], status)

    sound = npz(x=X, y=Y)
    nan = npy("<f4", "(8, 2)", struct.pack("<16f", *range(15), float("nan")))
    return [
        file("missing", None), file("no bytes", b""), file("cut off", sound[:-30]), file("one array alone", X),
        file("a pickle", b"\x80\4}." + b"\0" * 50), file("text", b"x,y\n1,2\n"),
        file("a changed byte", sound.replace(b"\0\0\x80\x3f", b"\0\0\x81\x3f", 1)),
        file("without the inputs", npz(z=X, y=Y), 2), file("without the targets", npz(x=X), 2),
        file("objects, which are pickles", npz(x=npy("|O", "(8,)", b"\x80\4]."), y=Y)),
        file("a shape beyond the file", npz(x=npy("<f4", "(8, 20000000000)", b"\0" * 64), y=Y)),
        file("bytes in the other order", npz(x=npy(">f4", "(8, 2)", b"\0" * 64), y=Y)),
        file("a header that is a program", npz(x=npy("", "", b"", "__import__('os').abort()"), y=Y)),
        file("a value that is not finite", npz(x=nan, y=Y)),
        file("no samples", npz(x=npy("<f4", "(0, 2)", b""), y=npy("<i8", "(0,)", b""))),
        file("one target too few", npz(x=X, y=npy("<i8", "(7,)", b"\0" * 56))),
        file("one class", npz(x=X, y=npy("<i8", "(8,)", b"\0" * 64))),
        file("targets of three dimensions", npz(x=X, y=npy("<f4", "(8, 1, 1)", b"\0" * 32))),
        file("channels last", npz(x=npy("<f4", "(8, 6, 6, 3)", b"\0" * 3456), y=Y)),
        file("augmented vectors", sound, 2, ", augment: [flip]"),
    ]


def all_cases() -> list[Case]:
    return tables() + arrays()
