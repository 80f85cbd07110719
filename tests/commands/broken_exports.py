# Networks that cannot leave the program, and predictions that cannot be written: cases of tests/broken_inputs.md. The
# runs they begin with are trained here, one on rings and one on pictures.

import json
import pathlib
import struct
import subprocess
import tempfile

from broken_case import Case
from broken_configs import MODEL
from program import PROGRAM

RINGS = """\
dataset:   {name: nested_rings, points_per_ring: 16, test_points_per_ring: 16, iterations_per_epoch: 2}
algorithm: gradient_descent
module:    {name: dense_two_layer, hidden: 4}
depth:     2
width:     2
train:     {length: {iterations: 2}}
"""
KEPT = ("resolved.yaml", "summary.json", "checkpoints/last.safetensors")


def trained() -> list[dict[str, bytes]]:
    """The files of a run on rings and of one on pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for config, text in (("rings", RINGS), ("pictures", MODEL)):
            (folder / f"{config}.yaml").write_text(text)
            subprocess.run([PROGRAM, "train", f"{config}.yaml", "--quiet", "--threads", "1"], cwd=folder, check=True)
        return [{path: (folder / f"runs/{config}/run/seed-0" / path).read_bytes() for path in KEPT}
                for config in ("rings", "pictures")]


def safetensors(header: dict | bytes, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def all_cases() -> list[Case]:
    rings, pictures = trained()
    last = "checkpoints/last.safetensors"
    whole = rings[last]
    header = json.loads(whole[8:8 + struct.unpack("<Q", whole[:8])[0]])
    name = next(key for key in header if key != "__metadata__")

    def case(what: str, words: str, status: int = 2, run: dict[str, bytes] = rings, more: dict | None = None) -> Case:
        files = {f"run/{path}": content for path, content in run.items()}
        return Case(what, files | (more or {}), words.split(), status)

    def export(what: str, words: str = "--to net.safetensors", status: int = 2, **options) -> Case:
        return case("an export: " + what, f"export run {words}", status, **options)

    def weights(what: str, content: bytes, status: int = 3) -> Case:
        return export("weights " + what, status=status, more={f"run/{last}": content})

    def tensor(**changed: object) -> bytes:
        return safetensors({name: header[name] | changed}, b"\0" * 64)

    without_weights = {path: content for path, content in rings.items() if path != last}
    return [
        export("an ending that is none of ours", "--to net.pt"), export("no ending", "--to net"),
        export("no file named", ""), export("fewer samples than none", "--to net.py --samples -1"),
        export("names of timm in Python", "--to net.py --names timm"),
        export("names of timm that it has not", "--to net.safetensors --names timm"),
        export("names of timm for a baseline", "--to net.safetensors --names timm", run=pictures),
        export("names of nobody", "--to net.safetensors --names keras"),
        Case("an export: a folder that is no run", {"run/notes.txt": "none"}, "export run --to n.safetensors".split()),
        Case("an export: a folder that is not there", {}, "export nowhere --to n.safetensors".split()),
        Case("an export: a file for a run", {"run": "none"}, "export run --to n.safetensors".split()),
        export("into a folder that is not there", "--to not/there/net.safetensors", 3),
        export("below a file", "--to run/resolved.yaml/net.safetensors", 3),
        export("over a folder", status=3, more={"net.safetensors/notes.txt": "none"}),
        export("over what no export wrote", "--to net.py", more={"net.py": "import torch\n"}),
        export("with weights over what no export wrote", "--to net.py", more={"net.safetensors": "notes of mine"}),
        export("over what is no ONNX file", "--to net.onnx", more={"net.onnx": "notes of mine"}),
        export("over the weights of a run", "--to run/checkpoints/last.safetensors"),
        export("samples over notes", "--to net.safetensors --keep-samples notes", more={"notes": "notes of mine"}),
        export("without weights", status=3, run=without_weights),
        export("weights that were not kept", "--to net.safetensors --weights best.safetensors", 3),
        weights("that are empty", b""), weights("cut off", whole[:-8]), weights("cut off in the header", whole[:40]),
        weights("of a pickle", b"\x80\4}." + b"\0" * 64), weights("of a torch file", b"PK\3\4" + b"\0" * 64),
        weights("with a header of 2^63 bytes", b"\xff" * 16),
        weights("with a header that is no JSON", safetensors(b"{" * 64)),
        weights("beyond the file", tensor(data_offsets=[0, 1 << 40])), weights("of no known type", tensor(dtype="F7")),
        weights("of another network", pictures[last]),
        export("a resolved.yaml that is damaged", more={"run/resolved.yaml": rings["resolved.yaml"][:100]}),
        export("a resolved.yaml that is empty", more={"run/resolved.yaml": b""}),
        case("a prediction: another ending", "predict run --to p.txt"),
        case("a prediction: features that are not there", "predict run --to p.npz --features stage_3"),
        case("a prediction: features of a baseline", "predict run --to p.npz --features penultimate", run=pictures),
        case("a prediction: a path whose states differ", "predict run --to p.npz --features path", run=pictures),
        case("a prediction: a split that is none", "predict run --to p.csv --split dev"),
        case("a prediction: a split without samples", "predict run --to p.csv --split valid"),
        case("a prediction: input for a data set that is made", "predict run --to p.csv --input run/summary.json"),
        case("a prediction: pictures that are not there", "predict run --to p.csv --input nowhere", run=pictures),
        case("a prediction: into a folder that is not there", "predict run --to not/there.csv", 3),
        case("a prediction: over another table", "predict run --to t.csv", more={"t.csv": "iteration,epoch\n"}),
        case("an evaluation: a sample over notes", "eval run --sample notes", more={"notes": "notes of mine"}),
        case("an evaluation: a picture over notes", "eval run --calibration --picture notes.svg",
             more={"notes.svg": "notes of mine"}),
        case("an evaluation: a picture that is none of ours", "eval run --calibration --picture classes.png"),
        case("an evaluation: weights that were not kept", "eval run --weights best.safetensors", 3),
        Case("an evaluation: a folder without runs", {"run/notes.txt": "none"}, "eval run".split()),
    ]
