# The table of rows; promises are those the project makes against the faster of its peers.
import pathlib
from dataclasses import replace

from bench import memory, rules, training
from bench.contest import Row
from bench.training import Work

PLANE = {"depth": 15, "width": 2, "hidden": 16, "classes": 2}
ADAM = {"name": "Adam", "lr": 0.01}
SGD = {"name": "SGD", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
# Of images on a CPU. Ours is started anew in each round, and its first iterations take longer.
ON_CPU = {"batches": 4, "losses": 3, "iterations": 10, "warm_up": 5}

WORKS = [
    ("15 steps 2-16-2, batch 256, gradient descent, alone", 3.0, 1e-4,
     Work("rings_gradient_descent", "GradientDescent", ADAM, arguments=PLANE)),
    ("15 steps 2-16-2, batch 256, momentum, alone", 3.0, 1e-4,
     Work("rings_momentum", "Momentum", ADAM, arguments=PLANE | {"g": 0.9})),
    ("the same, 32 seeds as one network, per seed", 20.0, 1e-4,
     Work("rings_momentum_32_seeds", "Momentum", ADAM, arguments=PLANE | {"g": 0.9})),
    ("pre-activation ResNet-20, batch 128, float32", 1.9, 1e-3,
     Work("resnet20", "ResNet", SGD, **ON_CPU, arguments={"blocks": 3, "widths": [16, 32, 64], "classes": 10})),
    ("WRN-16-2, batch 128, float32", 2.0, 2e-3,
     Work("wrn16_2", "WideResNet", SGD | {"weight_decay": 5e-4}, **ON_CPU,
          arguments={"blocks": 2, "widening": 2, "classes": 10})),
    ("DenseNet-40, growth 12, batch 64, float32", 1.3, 2e-3,
     Work("densenet40", "DenseNet", SGD, **ON_CPU, arguments={"layers": 12, "growth": 12, "classes": 10})),
    ("DenseNet-40 as a rule in the DenseNet setting, batch 32, float32; DenseNet of concatenations", 1.2, 2e-3,
     Work("dense_40", "DenseSum", SGD, **ON_CPU, arguments={"layers": 12, "growth": 12, "classes": 10})),
    ("apg2 in the DenseNet setting, 12-12-12 steps, growth 12, batch 64, float32", 1.2, 2e-3,
     Work("dense_40_apg2", "DenseApg2", SGD, **ON_CPU, arguments={"steps": 12, "growth": 12, "classes": 10})),
    ("pre-activation ResNet-110 of base width 8, batch 128, float32", 1.3, 2e-3,
     Work("narrow110", "ResNet", SGD, **ON_CPU, arguments={"blocks": 18, "widths": [8, 16, 32], "classes": 10})),
]

EQUILIBRIUM = "equilibrium network of width 24, batch 64, Anderson to a residual of 1e-3, exact gradient; torchdeq"
DEQ = Work("deq", "Deq", {"name": "SGD", "lr": 0.01}, **ON_CPU, compiled=False,
           arguments={"width": 24, "hidden": 24, "classes": 10, "steps": 30, "tolerance": 1e-3, "memory": 5})

IMPLICIT = Work("implicit", "", {}, config="configs/bench_implicit.yaml", **ON_CPU)

PLACES = {"rule": "the blocks of ResNet-20", "convnext": "the blocks of a narrow ConvNeXt",
          "transformer": "the blocks of ViT-Ti"}


ON_GPU = [
    ("pre-activation ResNet-20, batch 128", 1.5, 1e-3,
     Work("resnet20", "ResNet", SGD, config="configs/bench_gpu.yaml", losses=3, iterations=200, warm_up=40,
          arguments={"blocks": 3, "widths": [16, 32, 64], "classes": 10})),
    ("pre-activation ResNet-18, batch 128", 1.0, 1e-3,
     Work("resnet18", "ResNet", SGD, config="configs/bench_gpu.yaml", losses=3, iterations=100, warm_up=20,
          arguments={"blocks": 2, "widths": [64, 128, 256, 512], "classes": 10})),
    ("15 steps 2-16-2, batch 256, momentum, alone", 5.0, 1e-4,
     Work("rings_momentum", "Momentum", ADAM, config="configs/bench_gpu.yaml", iterations=200, warm_up=40,
          arguments=PLANE | {"g": 0.9})),
    ("the same, 32 seeds as one network, per seed", 50.0, 1e-4,
     Work("rings_momentum_32_seeds", "Momentum", ADAM, config="configs/bench_gpu.yaml", iterations=200, warm_up=40,
          arguments=PLANE | {"g": 0.9})),
]


# timm's names of our parameters, as lib/optdnn/models/timm_names.cpp has them.
CONVNEXT = {r"^stem\.conv": "stem.0", r"^stem\.norm": "stem.1", r"^stage_(\d+)\.T": r"stages.\1.blocks",
            r"^transition_(\d+)\.norm": r"stages.\1.downsample.0",
            r"^transition_(\d+)\.conv": r"stages.\1.downsample.1", r"^head\.linear": "head.fc"}
VIT = {r"^stem\.conv": "patch_embed.proj", r"^stem\.(cls_token|pos_embed)$": r"\1", r"^stage_0\.T": "blocks",
       r"^head\.norm": "norm", r"^head\.linear": "head"}
ADAMW = {"name": "AdamW", "lr": 0.001, "weight_decay": 0.05}

VISION_ON_GPU = [
    ("ConvNeXt-T, 224 pixels, batch 128; timm", 1.15, 2e-3,
     Work("convnext_t", "Timm", ADAMW, config="configs/bench_gpu.yaml", batches=2, losses=3, iterations=20, warm_up=10,
          arguments={"name": "convnext_tiny", "classes": 10, "names": CONVNEXT})),
    ("ViT-S, 224 pixels, batch 128; timm", 1.15, 2e-3,
     Work("vit_s", "Timm", ADAMW, config="configs/bench_gpu.yaml", batches=2, losses=3, iterations=20, warm_up=10,
          arguments={"name": "vit_small_patch16_224", "classes": 10, "names": VIT})),
]

DEQ_ON_GPU = [(EQUILIBRIUM, 5.0, 5e-3, replace(DEQ, iterations=40, warm_up=20))]


class Before(training.Ours):
    """An earlier build of the program."""
    name = "the earlier build"


def rows_beside(before: pathlib.Path, program: pathlib.Path, folder: pathlib.Path) -> list[Row]:
    fista = "fista over convolutions, batch 64, 8 steps of Anderson a solve"
    held = [*((what, 1 / 1.05, near, work) for what, _, near, work in WORKS), (fista, 1 / 0.9, 1e-3, IMPLICIT)]

    def contestants(work: Work) -> list[training.Ours]:
        return [training.Ours(work, program, folder), Before(work, before, folder / "before")]
    return [Row(work.row, f"{what}; an earlier build", promise, lambda work=work: contestants(work), near)
            for what, promise, near, work in held]


def gpu_row_ids() -> list[str]:
    return [work.row for *_, work in ON_GPU + VISION_ON_GPU + DEQ_ON_GPU]


def gpu_rows(program: pathlib.Path, folder: pathlib.Path, place: training.Place) -> list[Row]:
    """Vectors and solvers stay in float32, whatever the place's precision."""
    def held(work: Work) -> training.Place:
        return replace(place, precision="float32") if work.network in ("Momentum", "Deq") else place
    return [Row(work.row, what, promise, lambda work=work: training.contestants(work, program, folder, held(work)),
                tolerance) for what, promise, tolerance, work in ON_GPU + VISION_ON_GPU + DEQ_ON_GPU]


def rows(program: pathlib.Path, folder: pathlib.Path) -> list[Row]:
    trained = [Row(work.row, what, promise, lambda work=work: training.contestants(work, program, folder), tolerance)
               for what, promise, tolerance, work in WORKS]
    return [*trained,
            Row("deq", EQUILIBRIUM, 2.0, lambda: training.contestants(DEQ, program, folder), 5e-3),
            Row("deq_memory", "the same, peak memory", 1.0, lambda: memory.peaks(DEQ, program, folder), 5e-3),
            *(Row(f"{row}_{rule}", f"{rule}, {PLACES[row]}, per multiply-add", 1 / 1.05,
                  lambda row=row, rule=rule: rules.contestants(row, rule, program, folder))
              for row, of_row in rules.RULES.items() for rule in of_row)]
