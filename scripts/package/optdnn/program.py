# What the program is asked for: certificates, and networks as torch modules.
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Any


class Failed(RuntimeError):
    """The program refused or failed; its message, and its exit code in `code`."""

    def __init__(self, message: str, code: int):
        super().__init__(message)
        self.code = code


def program() -> str:
    """Where the program is. Raises FileNotFoundError."""
    parents = pathlib.Path(__file__).resolve().parents
    near = [parents[3] / "build/release/optdnn"] + [path / "bin/optdnn" for path in parents[5:6]]  # built, installed
    found = os.environ.get("OPTDNN") or shutil.which("optdnn") or next((str(p) for p in near if p.exists()), None)
    if not found:
        raise FileNotFoundError("there is no program optdnn: name it in $OPTDNN, or put it on the PATH")
    return found


def run(*words: str) -> str:
    done = subprocess.run([program(), *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed((done.stderr or done.stdout).strip(), done.returncode)
    return done.stdout


def certify(rule: str, coefficients: dict[str, Any] | None = None) -> dict[str, Any]:
    """The certificate of a rule of the catalogue, by its name, or of equations. Coefficients as in a config: numbers,
    names of sequences, {value, learn, range}. Raises Failed for a rule that is wrong."""
    algorithm: dict[str, Any] = {"name": rule} if re.fullmatch(r"\w+", rule) else {"name": "rule", "equations": rule}
    if coefficients:
        algorithm["coefficients"] = coefficients
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder, "rule.yaml")
        config.write_text(json.dumps({"algorithm": algorithm}), encoding="utf-8")  # JSON is YAML
        found = json.loads(run("certify", str(config), "--json"))
    return found[0] if isinstance(found, list) else found


def load(folder: str | os.PathLike, weights: str = "last.safetensors") -> Any:
    """The network of a run's folder as a torch.nn.Module in evaluation; `weights` is a file in its checkpoints/. Where
    samples are prepared, its `prepare(values)` makes inputs of them; of a regression its `restore(outputs)` makes
    values in the data set's units."""
    with tempfile.TemporaryDirectory() as scratch:
        place = pathlib.Path(scratch, "net.py")
        run("export", str(folder), "--to", str(place), "--weights", weights, "--samples", "0")
        spec = importlib.util.spec_from_file_location(f"optdnn_net_{abs(hash(str(folder)))}", place)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # so that its classes can be found again
        spec.loader.exec_module(module)
        network = module.load()
        for name in ("prepare", "restore"):
            if hasattr(module, name):
                setattr(network, name, getattr(module, name))
        return network
