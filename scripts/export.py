#!/usr/bin/env python3
# A trained network as a torch module or as ONNX, from the file that `optdnn export RUN --to net.safetensors` writes:
#   scripts/export.py net.safetensors --to net.py                        net.py, with its weights beside it
#   scripts/export.py net.safetensors --to net.onnx --samples s.safetensors
# With samples (inputs and the program's outputs) the result is run on them and compared; the largest difference is
# printed. `optdnn export RUN --to net.py` does all this.
# Exit codes: 0, 1 if the outputs are not those of the program, 2 what cannot be written that way, 3 a file or a
# package that is missing.
import argparse
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

try:
    from export import compare, description, onnx, write
    from export.equations import CannotWrite
except ModuleNotFoundError as error:
    print(f"export.py: Python package '{error.name}' is missing\n"
          f"   hint: pip install -r {os.path.relpath(sys.path[0])}/requirements.txt",
          file=sys.stderr)
    sys.exit(3)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="export.py", description="A trained network as Python or ONNX.")
    parser.add_argument("network", metavar="NETWORK.safetensors", type=pathlib.Path)
    parser.add_argument("--to", metavar="FILE", type=pathlib.Path, required=True, help="net.py or net.onnx")
    parser.add_argument("--samples", metavar="FILE", type=pathlib.Path, help="inputs, and the program's outputs")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args(arguments)


def written(options: argparse.Namespace) -> dict[str, object]:
    tensors, described = description.read(options.network)
    if described is None:
        raise description.Damaged(f"{options.network}: holds weights, but says nothing of their network")
    module = options.network.with_suffix(".py")
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    module.write_text(write.net_py(module.stem, described, shapes), encoding="utf-8")
    result: dict[str, object] = {"written": str(options.to)}
    if options.to.suffix == ".onnx":
        result["operators"] = onnx.write(module, options.to, described, options.samples)
        run = onnx.difference
    else:
        run = compare.difference
    if options.samples and run:
        count, largest, scale = run(module if options.to.suffix == ".py" else options.to, options.samples)
        result |= {"samples": count, "largest_difference": largest, "largest_output": scale,
                   "agrees": largest <= compare.allowed(described) * max(1.0, scale)}
    if options.to.suffix == ".py" and module.resolve() != options.to.resolve() and result.get("agrees", True):
        place({options.network: options.to.with_suffix(".safetensors"), module: options.to})
    return result


def place(targets: dict[pathlib.Path, pathlib.Path]) -> None:
    """Copies, all or none."""
    parts = {source: target.with_name(target.name + ".part") for source, target in targets.items()}
    for source, part in parts.items():
        shutil.copyfile(source, part)
    for source, part in parts.items():
        os.replace(part, targets[source])


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        result = written(options)
    except (CannotWrite, onnx.Refused) as error:
        print(f"error: this network cannot be written as {options.to.name}: {error}", file=sys.stderr)
        return 2
    except onnx.Missing as error:
        print(f"error: Python package '{error}' is missing\n"
              f"   hint: {sys.executable} -m pip install onnx onnxscript onnxruntime", file=sys.stderr)
        return 3
    except (description.Damaged, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    if options.json:
        print(json.dumps(result, indent=2))
    elif "samples" in result:
        print(f"{options.to}: {result['samples']} test samples, largest difference {result['largest_difference']:.2g} "
              f"of outputs up to {result['largest_output']:.4g}")
    if not result.get("agrees", True):
        print(f"error: the network of {options.to} does not compute what the program does\nThis is a bug of optdnn.",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
