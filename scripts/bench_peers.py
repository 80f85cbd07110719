#!/usr/bin/env python3
# Times the program beside Python peers: same machine, same run, in turn; the same work, shown by equal losses before
# any time is taken. Prints ratios, how many times as fast as the peer ours is, by the minimum and by the median over
# rounds, and the spread of the rounds.
#   scripts/bench_peers.py                          all rows
#   scripts/bench_peers.py rings_momentum --rounds 15
#   scripts/bench_peers.py --out configs/results/bench/report.md
#   scripts/bench_peers.py --before OPTDNN          the rows beside an earlier build of the program, which OPTDNN is
#   scripts/bench_peers.py --device cuda --precision float16 --python python3      the rows of a GPU
#   scripts/bench_peers.py --device cuda --compile max-autotune resnet20           takes minutes to compile
# The peers have an environment of their own, made by:
#   python3 -m venv .venv-peers && .venv-peers/bin/pip install -r scripts/requirements-peers.txt
# Exit codes: 0; 1 if a row was left out, whose answers differ or which failed; 2 wrong usage; 3 something is missing.
import argparse
import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from bench import contest, rows, training  # noqa: E402

FEWEST_ROUNDS = 5


def parse(arguments: list[str] | None, known: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_peers.py", description="The program beside its Python peers.")
    parser.add_argument("rows", metavar="ROW", nargs="*", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--rounds", type=int, default=7, help=f"at least {FEWEST_ROUNDS}; default 7")
    parser.add_argument("--program", type=pathlib.Path, default=training.ROOT / "build/release/optdnn")
    parser.add_argument("--before", metavar="OPTDNN", type=pathlib.Path,
                        help="the rows beside this earlier build of the program, in the place of the others")
    parser.add_argument("--out", metavar="FILE", type=pathlib.Path, help="also write what is printed there")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="cuda: the rows of a GPU")
    parser.add_argument("--compile", choices=["default", "reduce-overhead", "max-autotune"], default="",
                        help="the mode of torch.compile; on a GPU reduce-overhead unless it is given")
    parser.add_argument("--precision", default="float32", help="of the times on a GPU; answers agree in float32")
    parser.add_argument("--python", type=pathlib.Path, default=training.PEERS, help="of the peers")
    options = parser.parse_args(arguments)
    if unknown := [row for row in options.rows if row not in known]:
        parser.error(f"unknown row '{unknown[0]}'; rows: {', '.join(known)}")
    if options.rounds < FEWEST_ROUNDS:
        parser.error(f"--rounds wants at least {FEWEST_ROUNDS}")
    return options


def missing(program: pathlib.Path, before: pathlib.Path | None, python: pathlib.Path) -> str | None:
    for built in filter(None, [program, before]):
        if not built.exists():
            return f"{built} is not built\n   hint: scripts/optdnn --version builds the program of its source tree"
    if not before and not shutil.which(python):
        return ("the peers' environment .venv-peers is missing\n   hint: python3 -m venv .venv-peers && "
                ".venv-peers/bin/pip install -r scripts/requirements-peers.txt")
    return None


def version_of_peers(python: pathlib.Path, gpu: bool) -> str:
    program = ("import platform, torch; print(f'PyTorch {torch.__version__}, Python {platform.python_version()}'" +
               (", torch.cuda.get_device_name()" if gpu else "") + ")")
    return subprocess.run([python, "-c", program], capture_output=True, text=True).stdout.strip()


def versions(program: pathlib.Path, peers: str) -> str:
    ours = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
    return (f"{ours}; peers {peers}; CPU {cpu_name()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} "
            f"at the end; {datetime.date.today().isoformat()}")


def cpu_name() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def page(results: list[contest.Result], options: argparse.Namespace, peers: str) -> str:
    return (f"{contest.markdown(results)}\nTimes of the peer over ours, so above 1 ours is faster; {options.rounds} "
            f"rounds in turn, equal losses before. {versions(options.program, peers)}.\n")


def keep(text: str, out: pathlib.Path | None) -> None:
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("# The program beside its Python peers\n\n" + text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    with tempfile.TemporaryDirectory() as folder:
        program = training.ROOT / "build/release/optdnn"
        known = [row.id for row in rows.rows(program, pathlib.Path(folder))]
        known += rows.gpu_row_ids() + [row.id for row in rows.rows_beside(program, program, pathlib.Path(folder))]
        known = list(dict.fromkeys(known))
        options = parse(arguments, known)
        place = training.Place(options.device, options.precision, options.python, options.compile)
        if problem := missing(options.program, options.before, options.python):
            print(f"bench_peers.py: {problem}", file=sys.stderr)
            return 3
        results, failed, on_gpu = [], False, options.device == "cuda"
        peers = "an earlier build" if options.before else version_of_peers(options.python, on_gpu)
        if options.before:
            held = rows.rows_beside(options.before, options.program, pathlib.Path(folder))
        elif on_gpu:
            held = rows.gpu_rows(options.program, pathlib.Path(folder), place)
        else:
            held = rows.rows(options.program, pathlib.Path(folder))
        for row in held:
            if options.rows and row.id not in options.rows:
                continue
            try:
                results.append(contest.hold(row, options.rounds, lambda text: print(text, file=sys.stderr)))
            except (contest.Disagreement, RuntimeError) as error:
                print(f"bench_peers.py: {row.id}: {error}; left out", file=sys.stderr)
                failed = True
            keep(page(results, options, peers), options.out)  # a later row may be stopped
    print(page(results, options, peers), end="")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
