#!/usr/bin/env python3
# On a rented machine with a GPU: what scripts/gpu_run packed is loaded, tested, tried in every precision, timed beside
# PyTorch and trained, in this order, until the budget ends; what is worth keeping lies in --out as few small files.
# Wants nothing but a Python with torch, numpy and Pillow.
#   ./run --budget-s 600 --out kept
#   ./run --device cpu --stages load,tests          the same without a GPU
# TERM ends the budget: trainings save, and what they left is packed. Exit code: 1 if a stage failed, and the later ones
# ran all the same; 0 otherwise.
import argparse
import contextlib
import itertools
import json
import os
import pathlib
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent.parent  # of scripts/
ROOT = HERE.parent
STAGES = ["load", "tests", "smoke", "bench", "epochs", "peers", "train"]
# Slow to compile, or wanted now and then.
ON_DEMAND = ["vision_peers", "deq_peers", "profile", "together", "each_kernel"]
AT_ONCE = [1, 2, 4]  # trainings that share a GPU
MPS = "nvidia-cuda-mps-control"  # NVIDIA's service that lets processes use a GPU at the same time
HOWS = ["", "--no-graph", "--no-kernels", "--overlap"]
KERNELS = {"convolve": ["resnet20", "resnet18", "deep"], "cast": ["resnet20", "deep_apg2_31", "wide"],
           "batch_norm_relu": ["resnet20", "resnet18"], "combine": ["resnet20_apg2", "deep_apg2"],
           "update": ["resnet20", "convnext_t"], "whole": ["rings_momentum", "rings_momentum_32_seeds"],
           "depthwise": ["convnext_t"], "layer_norm": ["convnext_t", "vit_s"], "columns": ["convnext_t", "vit_s"]}
VECTORS = "rings"  # rows of the configs of benchmarks whose networks are of vectors
PRECISIONS = ["float32", "tf32", "bfloat16", "float16"]
ON_CPU = ["float32", "bfloat16"]
TRAIN = ["configs/cifar_rules.yaml --seed 0 --seed 1 --seed 2",
         "configs/cifar_rules.yaml --row gradient_descent --row apg2 " + " ".join(f"--seed {n}" for n in range(3, 9))]
GRACE_S = 25  # between the signal to stop and the end of the budget: runs save
PACKING_S = 5  # of it, for what comes back
AT_MOST_TESTING = 8  # processes
SLACK_MIB = 0.25  # what an archive's end takes, and what is not written yet


def place(text: str) -> pathlib.Path:
    """As the caller means it; what is started here runs in another folder."""
    return pathlib.Path(text).resolve()


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run", description="Tests, times and trains on this machine's GPU.")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--budget-s", type=float, default=600, help="seconds for everything; default 600")
    parser.add_argument("--max-file-mib", type=float, default=16, help="runs come back in archives of at most this "
                        "size; default 16")
    parser.add_argument("--out", type=place, default=place("kept"), help="what is worth keeping")
    parser.add_argument("--work", type=place, default=place("optdnn-work"), help="runs, data and compiled kernels")
    parser.add_argument("--program", type=place, default=ROOT / "bin", help="folder of optdnn and test_gpu")
    parser.add_argument("--pieces", type=place, action="append", help="folders of pieces of CIFAR-10")
    parser.add_argument("--stages", type=lambda text: text.split(","), default=STAGES,
                        help=f"{','.join(STAGES)}; on demand {','.join(ON_DEMAND)}")
    parser.add_argument("--precision", default="float16", help="of timing and training")
    parser.add_argument("--processes", type=int, default=1, help="trainings at once, through MPS where there is one; "
                        "default 1: without it they take turns, four took 0.85 s an epoch together where one takes "
                        "0.75")
    parser.add_argument("--train", metavar="WORDS", action="append",
                        help="words after `optdnn train`, in the order in which they are taken up")
    options = parser.parse_args(arguments)
    if unknown := [stage for stage in options.stages if stage not in STAGES + ON_DEMAND]:
        parser.error(f"unknown stage '{unknown[0]}'; stages: {', '.join(STAGES + ON_DEMAND)}")
    return options


def library_path(program: pathlib.Path) -> str:
    """The libraries of this Python's torch, of the packages beside it, and of what came with the program."""
    places = []
    question = "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    found = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True)
    if found.returncode == 0:
        torch = pathlib.Path(found.stdout.strip())
        places += [torch / "lib", *sorted(torch.parent.glob("nvidia/*/lib"))]
    places.append(program / "lib")
    return ":".join(map(str, places))


class Machine:
    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.begin = time.monotonic()
        self.environment = os.environ | {"LD_LIBRARY_PATH": library_path(options.program),
                                         "PYTHONPATH": os.pathsep.join(filter(None, [
                                             str(ROOT / "peers"), os.environ.get("PYTHONPATH")])),
                                         "OPTDNN_DATA": str(options.work / "data"),
                                         "OPTDNN_KERNELS": str(options.work / "kernels")}
        options.out.mkdir(parents=True, exist_ok=True)
        options.work.mkdir(parents=True, exist_ok=True)
        self.log = open(options.out / "log.txt", "a", encoding="utf-8")

    def left_s(self) -> float:
        return self.options.budget_s - (time.monotonic() - self.begin)

    def end_budget(self, *_: object) -> None:
        """All but the seconds in which trainings save."""
        self.options.budget_s = min(self.options.budget_s, time.monotonic() - self.begin + GRACE_S)

    def say(self, text: str) -> None:
        line = f"[{time.monotonic() - self.begin:6.1f} s] {text}"
        print(line, flush=True)
        print(line, file=self.log, flush=True)

    def start(self, words: list[str], output: Any = None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(words, stdout=output or self.log, stderr=subprocess.STDOUT, env=self.environment,
                                cwd=ROOT)

    def run(self, words: list[str], limit_s: float = 300) -> tuple[int, str]:
        """Exit code and output; killed, so that the code is negative, after the limit or at the budget's end."""
        process, end, output = self.start(words, subprocess.PIPE), time.monotonic() + limit_s, None
        while output is None:
            try:
                output = process.communicate(timeout=0.2)[0].decode(errors="replace")
            except subprocess.TimeoutExpired:
                if time.monotonic() > end or self.left_s() < GRACE_S:
                    process.kill()
        code = process.returncode
        print(f"$ {shlex.join(map(str, words))}\n{output}exit code {code}\n", file=self.log, flush=True)
        return code, output

    def wait(self, processes: Iterable[subprocess.Popen[bytes]], limit_s: float) -> None:
        """Until all have ended; they are killed after the limit or at the budget's end."""
        running, end = list(processes), time.monotonic() + limit_s
        while any(process.poll() is None for process in running):
            if time.monotonic() > end or self.left_s() < GRACE_S:
                for process in running:
                    process.kill()
            time.sleep(0.1)

    def optdnn(self, *words: str, limit_s: float = 300) -> tuple[int, str]:
        return self.run([str(self.options.program / "optdnn"), *words], limit_s)

    def rows(self, words: list[str]) -> list[str]:
        """Of what `optdnn train WORDS` would train. Errors: ValueError if it would train nothing."""
        code, planned = self.optdnn("train", *words, "--dry-run")
        if code != 0:
            raise ValueError(planned.strip()[-300:])
        return list(dict.fromkeys(line.split("/")[1] for line in planned.splitlines() if line.count("/") == 2))


@contextlib.contextmanager
def shared_gpu(machine: Machine) -> Iterator[bool]:
    """What is started inside uses the GPU together, where there is an MPS that starts: whether there is."""
    service, before = shutil.which(MPS), machine.environment
    if service:
        folder = pathlib.Path(tempfile.mkdtemp(prefix="mps-"))  # of sockets, whose paths are to be short
        machine.environment = before | {"CUDA_MPS_PIPE_DIRECTORY": str(folder), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    is_there = bool(service) and ended(machine.start([service, "-d"]), 10) == 0  # it leaves a service behind
    if not is_there:
        machine.environment = before
    try:
        yield is_there
    finally:
        if is_there:
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run([service], input=b"quit\n", env=machine.environment, stdout=machine.log,
                               stderr=subprocess.STDOUT, timeout=20)
        if service:
            shutil.rmtree(folder, ignore_errors=True)
        machine.environment = before


def load(machine: Machine) -> str:
    """The program starts; pieces of data become files."""
    code, version = machine.optdnn("--version")
    if code != 0:
        return f"failed: optdnn does not start: {version.strip()[-300:]}"
    from pieces import unpack
    there: list[str] = []
    for folder in machine.options.pieces or []:
        there = unpack(folder, machine.options.work / "data/cifar-10-batches-bin")
    return f"{version.strip()}; {len(there)} files of CIFAR-10"


def tests(machine: Machine) -> str:
    """In several processes, since kernels are compiled when they are first wanted."""
    options, program = machine.options, str(machine.options.program / "test_gpu")
    names = test_names(machine, program)
    running: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory() as folder:
        count = min(len(names), AT_MOST_TESTING, max(1, (os.cpu_count() or 1) // 2))
        outputs = [open(f"{folder}/{number}.txt", "w+b") for number in range(count)]
        for number, output in enumerate(outputs):
            chosen = pathlib.Path(folder) / f"{number}.names"
            chosen.write_text("".join(f"{name}\n" for name in names[number::count]), encoding="utf-8")
            running.append(machine.start([program, "--input-file", str(chosen), "--durations", "yes"], output))
        machine.wait(running, limit_s=240)
        said = []
        for number, output in enumerate(outputs):
            output.seek(0)
            said.append(output.read().decode(errors="replace"))
            print(f"{program} of {names[number::count]}\n{said[-1]}\nexit code {running[number].returncode}\n",
                  file=machine.log)
            output.close()
    skipped = options.device != "cpu" and any("no GPU: skipped" in text for text in said)
    bad = [text for text, process in zip(said, running) if process.returncode != 0]
    last = [" ".join([line for line in text.splitlines() if "test case" in line][-1:] or text.split("\n")[-3:])
            for text in bad or said]
    text = f"{len(names)} test cases in {count} processes: " + "; ".join(last)
    return f"failed: {text}" if bad or skipped or not names else text


def test_names(machine: Machine, program: str) -> list[str]:
    """By either version of Catch2, whose exit code may be their number."""
    for words in (["--list-test-names-only"], ["--list-tests", "--verbosity", "quiet"]):
        _, output = machine.run([program, *words], limit_s=30)
        names = [line.strip() for line in output.splitlines() if line.strip()]
        if names and not any("nrecognised" in line for line in names):
            return names
    return []


def smoke(machine: Machine) -> str:
    """Every row of configs/smoke.yaml in every precision, all precisions at once."""
    precisions = ON_CPU if machine.options.device == "cpu" else PRECISIONS
    program, outputs = str(machine.options.program / "optdnn"), {p: tempfile.TemporaryFile() for p in precisions}
    running = {p: machine.start([program, "train", "configs/smoke.yaml", "--device", machine.options.device, "--quiet",
                                 "--threads", "4", "--set", f"train.precision={p}",
                                 "--out", str(machine.options.work / f"smoke-{p}")], outputs[p]) for p in precisions}
    verdicts = {}
    machine.wait(running.values(), limit_s=150)
    for precision, process in running.items():
        verdicts[precision] = process.returncode
        outputs[precision].seek(0)
        print(f"smoke in {precision}\n{outputs[precision].read().decode(errors='replace')}", file=machine.log)
    text = ", ".join(f"{precision} exit {code}" for precision, code in verdicts.items())
    return text if all(code == 0 for code in verdicts.values()) else f"failed: {text}"


def bench(machine: Machine) -> str:
    """Iterations of configs/bench_gpu.yaml: replayed, operator by operator, and without the project's kernels."""
    return timings(machine, "bench.json", {how: (how, None) for how in HOWS}, "--losses", "4")


def profile(machine: Machine) -> str:
    """Where the time of an iteration goes, by kernel."""
    if machine.options.device == "cpu":
        return "left out: it counts a GPU's kernels"
    return timings(machine, "profile.json", {how: (how, None) for how in ("", "--no-kernels")}, "--profile")


def each_kernel(machine: Machine) -> str:
    """What the kernels of each file gain: iterations of rows they are for without them, which `bench` has with them."""
    if machine.options.device == "cpu":
        return "left out: they are a GPU's"
    return timings(machine, "each_kernel.json",
                   {kernel: (f"--without-kernels {kernel}", rows) for kernel, rows in KERNELS.items()})


def timings(machine: Machine, file: str, ways: dict[str, tuple[str, list[str] | None]], *words: str) -> str:
    """Rows (all, or those named) in each way, kept as soon as they are timed."""
    config = "configs/bench_gpu.yaml" if machine.options.device != "cpu" else "configs/bench.yaml"
    every = machine.rows([config])
    timed: dict[str, list[dict[str, Any]]] = {}
    failures = []
    for name, (how, rows) in ways.items():
        timed[name], asked = timed_rows(machine, config, how, rows or every, *words)
        write_json(machine.options.out / file, timed)
        if sum("median_s" in row for row in timed[name]) < asked:
            failures.append(name or "as it is")
    lines = [f"{row['id']} {1e3 * row['median_s']:.3f} ms ({row['iteration']})"
             for rows in timed.values() for row in rows if "median_s" in row]
    return (f"failed: {', '.join(failures)}; " if failures else "") + "; ".join(lines)


def together(machine: Machine) -> str:
    """Iterations of several processes at once, by turns and through MPS: samples a second of all of them."""
    options = machine.options
    row, config = ("rings_momentum", "bench") if options.device == "cpu" else ("resnet20", "bench_gpu")
    words = [str(options.program / "optdnn"), "bench", f"configs/{config}.yaml", "--row", row, "--device",
             options.device, "--iterations", "5000", "--json"]
    if options.device != "cpu":
        words += ["--set", f"train.precision={options.precision}"]

    def timed(count: int) -> dict[str, Any]:
        outputs = [tempfile.TemporaryFile() for _ in range(count)]
        machine.wait([machine.start(words, output) for output in outputs], limit_s=90)
        each = []
        for output in outputs:
            output.seek(0)
            each += reports(output.read().decode(errors="replace"))
        rates = [one["batch_size"] * one["seeds"] / middle_s(one["iteration_s"]) for one in each
                 if "iteration_s" in one]
        return {"row": row, "processes": count, "finished": len(rates), "samples_per_s": sum(rates)}

    found = {"by turns": [timed(count) for count in AT_ONCE]}
    with shared_gpu(machine) as is_there:
        if is_there:
            found["MPS"] = [timed(count) for count in AT_ONCE]
    write_json(options.out / "together.json", found)
    text = "; ".join(f"{how}: " + ", ".join(f"{one['processes']} at once {one['samples_per_s']:,.0f} a second"
                                            for one in timings) for how, timings in found.items())
    missing = any(one["finished"] < one["processes"] for timings in found.values() for one in timings)
    return ("failed: some did not end; " if missing else "") + f"{row}, {text}" + ("" if is_there else "; no MPS here")


def reports(output: str) -> list[dict[str, Any]]:
    """The rows of what `optdnn bench --json` printed, a line each, among whatever else was said."""
    rows = []
    for line in output.splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            if line.startswith("{"):
                rows.append(json.loads(line.rstrip(",")))
    return rows


def middle_s(blocks: list[float]) -> float:
    """The mean over the middle half of a run's blocks, while the others run too; a median would miss the turns of
    others where these are longer than a block."""
    quarter = len(blocks) // 4
    return statistics.mean(blocks[quarter:len(blocks) - quarter])


def timed_rows(machine: Machine, config: str, how: str, rows: list[str],
               *words: str) -> tuple[list[dict[str, Any]], int]:
    """What was timed, of how many rows. Networks of images in the precision asked for; those of vectors train as one
    in 32 bits alone."""
    options, precision = machine.options, ["--set", f"train.precision={machine.options.precision}"]
    vectors = [row for row in rows if row.startswith(VECTORS)]
    images = [row for row in rows if row not in vectors] if options.device != "cpu" else []
    timed: list[dict[str, Any]] = []
    for part, more in ((images, precision), (vectors, [])):
        if not part:
            continue
        chosen = [word for row in part for word in ("--row", row)]
        _, output = machine.optdnn("bench", config, *chosen, *more, "--device", options.device, *how.split(),
                                   "--iterations", "100", *words, "--json", limit_s=240)
        timed += reports(output)
    return timed, len(images) + len(vectors)


def write_json(path: pathlib.Path, rows: dict[str, Any]) -> None:
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def epochs(machine: Machine) -> str:
    """Real epochs of CIFAR-10, whose batches are augmented on the device, with the project's kernels and without."""
    options = machine.options
    if options.device == "cpu" or not options.pieces:
        return "left out: they are CIFAR-10's, on a GPU"
    lines = []
    for how in ([], ["--no-kernels"]):
        out = options.work / "-".join(["epochs", *how])
        code, output = machine.optdnn("train", "configs/cifar_rules.yaml", "--row", "gradient_descent", "--seed", "0",
                                      "--set", "train.length.epochs=4", "--set", f"train.precision={options.precision}",
                                      "--device", options.device, "--quiet", "--out", str(out), *how, limit_s=60)
        if code != 0:
            return f"failed: {output.strip()[-300:]}"
        summary = json.loads(next(out.rglob("summary.json")).read_text())
        lines.append(f"{summary['seconds'] / summary['epochs']:.3f} s an epoch{' '.join(['', *how])}")
    return "; ".join(lines)


def peers(machine: Machine) -> str:
    """Small rows that have a network in PyTorch, beside it."""
    return beside_peers(machine, ["resnet20", "resnet18", "rings_momentum", "rings_momentum_32_seeds"], "peers.md", 200)


def vision_peers(machine: Machine) -> str:
    """ConvNeXt-T and ViT-S beside timm's."""
    return beside_peers(machine, ["convnext_t", "vit_s"], "peers_vision.md", 500)


def deq_peers(machine: Machine) -> str:
    """An equilibrium network beside torchdeq's."""
    return beside_peers(machine, ["deq"], "peers_deq.md", 200)


def beside_peers(machine: Machine, rows: list[str], out: str, limit_s: float) -> str:
    options = machine.options
    if options.device == "cpu":
        return "left out: the rows are a GPU's"
    code, output = machine.run([sys.executable, "-B", "scripts/bench_peers.py", *rows, "--device", "cuda",
                                "--precision", options.precision, "--python", sys.executable, "--program",
                                str(options.program / "optdnn"), "--rounds", "5", "--out",
                                str(options.out / out)], limit_s=limit_s)
    table = [line for line in output.splitlines() if line.startswith("| ")]
    return "\n".join(table) if code == 0 else f"failed: {output.strip()[-400:]}"


def without_rows(words: list[str]) -> list[str]:
    """The words after `train` without --row and its value."""
    kept, skip = [], False
    for word in words:
        if not skip and word != "--row":
            kept.append(word)
        skip = word == "--row"
    return kept


def is_worth_keeping(path: pathlib.Path) -> bool:
    """All that a report wants: of a search its choice, of the pictures those of the first seed."""
    if path.name == "pictures.safetensors":
        return path.parent.name == "seed-0"
    if "search" in path.parts:
        return path.name == "chosen.yaml"
    return "checkpoints" not in path.parts and ".tfevents." not in path.name


def train(machine: Machine) -> str:
    """Rows of the configs, each a process, until the budget ends."""
    options = machine.options
    waiting: list[list[str]] = []
    for words in map(shlex.split, options.train or TRAIN):
        waiting += [[*without_rows(words), "--row", row] for row in machine.rows(words)]
    own = options.device == "cpu" or options.precision == "float32"  # what the tables say themselves
    precision = [] if own else ["--set", f"train.precision={options.precision}"]
    with shared_gpu(machine) if options.processes > 1 else contextlib.nullcontext():
        codes = train_rows(machine, waiting, precision)
        pack(options.work / "runs", options.out, options.max_file_mib)
    bad = [code for code in codes if code not in (0, 4, 143)]
    text = f"{len(codes)} of {len(codes) + len(waiting)} rows begun, {codes.count(0)} finished, {len(waiting)} left"
    return f"failed: exit codes {bad}; {text}" if bad else text


def train_rows(machine: Machine, waiting: list[list[str]], more: list[str]) -> list[int]:
    """Takes words after `train` from the list until the budget ends; the exit codes of what was begun."""
    options = machine.options
    running: list[subprocess.Popen[bytes]] = []
    codes: list[int] = []
    while (waiting or running) and machine.left_s() > GRACE_S:
        while waiting and len(running) < options.processes:
            words = [str(options.program / "optdnn"), "train", *waiting.pop(0), *more, "--device", options.device,
                     "--quiet", "--out", str(options.work / "runs")]
            running.append(machine.start(words))
        codes += [process.returncode for process in running if process.poll() is not None]
        running = [process for process in running if process.returncode is None]
        time.sleep(0.2)
    for process in running:
        process.send_signal(signal.SIGTERM)
    return codes + [ended(process, machine.left_s() - PACKING_S) for process in running]


def ended(process: subprocess.Popen[bytes], within_s: float) -> int:
    """Its exit code; it is killed where it takes longer."""
    try:
        return process.wait(max(0.1, within_s))
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def pack(runs: pathlib.Path, to: pathlib.Path, most_mib: float) -> None:
    """runs-0.tar.gz, runs-1.tar.gz, ... of at most that size each, unless a file alone is larger."""
    files = [path for path in sorted(runs.rglob("*")) if path.is_file() and is_worth_keeping(path)]
    for number in itertools.count():
        if not files:
            return
        target = to / f"runs-{number}.tar.gz"
        with tarfile.open(target, "w:gz") as archive:
            while files:
                path = files.pop(0)
                archive.add(path, path.relative_to(runs.parent))
                if files and target.stat().st_size + files[0].stat().st_size > (most_mib - SLACK_MIB) * 2**20:
                    break


def main(arguments: list[str] | None = None) -> int:
    machine = Machine(parse(arguments))
    signal.signal(signal.SIGTERM, machine.end_budget)
    failed = False
    for stage in machine.options.stages:
        if machine.left_s() < GRACE_S + 5:
            machine.say(f"{stage}: left out, the budget is spent")
            continue
        begin = time.monotonic()
        try:
            verdict = globals()[stage](machine)
        except Exception as error:  # the later stages are worth their minutes all the same
            verdict = f"failed: {type(error).__name__}: {error}"
        failed |= verdict.startswith("failed")
        machine.say(f"{stage}, {time.monotonic() - begin:.1f} s: {verdict}")
    return int(failed)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    sys.exit(main())
