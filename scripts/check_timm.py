# Are our ConvNeXt and ViT timm's? For ConvNeXt-T, isotropic ConvNeXt-S and ViT-S, logits are compared both ways:
# a run of ours exported by timm's names and loaded into timm, and timm's own random weights evaluated by optdnn.
#
#     python3 -m venv .venv-peers && .venv-peers/bin/pip install -r scripts/requirements-peers.txt
#     .venv-peers/bin/python scripts/check_timm.py [--program build/release/optdnn]
#
# Exit status 0 if all logits agree to 1e-4, else 1.
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from bench.networks import import_timm

DESCRIPTION = "Compares logits with timm's, both ways."
TOLERANCE = 1e-4
CONFIG = """
dataset: {name: generated_images, size_px: 224, classes: 1000, train_images: 2, test_images: 4, batch_size: 2}
algorithm: {name: gradient_descent}
optimizer: {name: adamw, learning_rate: 0.001, weight_decay: 0.05, decay_on: weights}
train: {length: {iterations: 1}}
evaluate: {batch_size: 4}
"""
CONVNEXT_ENDS = "transition: {name: norm_conv}\nhead: {name: pool_norm_linear}\n"
NETWORKS = {
    "convnext_t": "module: {name: convnext, layer_scale: 0.5}\nstem: {name: patchify}\n" + CONVNEXT_ENDS +
                  "depth: [3, 3, 9, 3]\nwidth: [96, 192, 384, 768]\n",
    "convnext_iso_s": "module: {name: convnext, layer_scale: 0}\nstem: {name: patchify, patch_px: 16, norm: false}\n" +
                      CONVNEXT_ENDS + "depth: 18\nwidth: 384\n",
    "vit_s": "module: {name: transformer, heads: 6}\nstem: {name: class_token}\nhead: {name: class_token}\n"
             "depth: 12\nwidth: 384\n",
}


def timm_model(timm, name):
    if name == "vit_s":
        return timm.create_model("vit_small_patch16_224")
    if name == "convnext_t":
        return timm.create_model("convnext_tiny")
    from timm.models.convnext import ConvNeXt
    model = ConvNeXt(depths=(18, 0, 0, 0), dims=(384,) * 4, patch_size=16, ls_init_value=None)
    model.stem, model.stages = model.stem[:1], model.stages[:1]  # no norm in the stem, one stage
    return model


def randomise(model):
    """Every weight a fresh number, so that no scale or bias hides a mistake."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(0, 0.05)
            if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "stem.1.weight")) or "gamma" in name:
                parameter.add_(0.5)


def difference(model, sample):
    model.eval()
    with torch.no_grad():
        theirs = model(sample["inputs"])
    apart = (theirs - sample["outputs"]).abs().max().item()
    print(f"    largest logit {theirs.abs().max():.3f}, largest difference {apart:.2e}")
    return apart


def check(timm, name, program, folder):
    def optdnn(*words):
        subprocess.run([program, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    config = folder / f"{name}.yaml"
    config.write_text(CONFIG + NETWORKS[name])
    optdnn("train", config, "--out", folder / "runs", "--quiet")
    run = folder / "runs" / name / "run" / "seed-0"

    print(f"{name}\n  ours in timm")
    optdnn("export", run, "--names", "timm", "--to", folder / "ours.safetensors")
    optdnn("eval", run, "--sample", folder / "sample.safetensors")
    model = timm_model(timm, name)
    model.load_state_dict(load_file(folder / "ours.safetensors"))
    there = difference(model, load_file(folder / "sample.safetensors"))

    print("  timm's in ours")
    randomise(model)
    save_file(model.state_dict(), run / "checkpoints" / "timm.safetensors")
    optdnn("eval", run, "--weights", "timm.safetensors", "--sample", folder / "sample.safetensors")
    back = difference(model, load_file(folder / "sample.safetensors"))
    return max(there, back)


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=DESCRIPTION)
    parser.add_argument("--program", default=root / "build/release/optdnn")
    program = Path(parser.parse_args().program).resolve()
    timm = import_timm()
    with tempfile.TemporaryDirectory() as folder:
        worst = max(check(timm, name, program, Path(folder)) for name in NETWORKS)
    print(f"timm {timm.__version__}: largest difference of all {worst:.2e}, allowed {TOLERANCE:.0e}")
    return worst > TOLERANCE


if __name__ == "__main__":
    sys.exit(main())
