# The baselines as constructor calls of the classes in pieces/, from what a config says; and the solver of a network.
from typing import Any

from export.parts import ACTIVATIONS

Spec = dict[str, Any]


def solver_text(spec: Spec) -> str:
    """The arguments of pieces/solvers.py's solve."""
    methods = {"picard": "Picard({damping!r})", "anderson": "Anderson({memory!r}, {damping!r}, {ridge!r})",
               "broyden": "Broyden({memory!r})"}
    method = methods[spec["name"]].format_map(spec)
    return (f"dict(method=lambda: {method}, steps={spec['steps']}, tolerance={spec['tolerance']!r}, "
            f"check_every={spec['check_every']})")


def model_text(spec: Spec, shape: list[int], outputs: int) -> str:
    name, inputs = spec["name"], shape[0]
    if name == "mlp":
        return f"Mlp({[inputs] + [spec['width']] * spec['depth'] + [outputs]}, {ACTIVATIONS[spec['activation']]})"
    if name == "dense_mlp":
        return (f"DenseMlp({inputs}, {outputs}, {spec['depth']}, {spec['growth']}, "
                f"{ACTIVATIONS[spec['activation']]})")
    if name == "resnet":
        return (f"ResNet({inputs}, {outputs}, stem={spec['width']}, width={spec['width']}, "
                f"blocks={(spec['layers'] - 2) // 6}, pre={spec['order'] == 'pre'}, "
                f"projected={spec['shortcut'] == 'b'})")
    if name == "wrn":
        return (f"ResNet({inputs}, {outputs}, stem=16, width={16 * spec['widening']}, "
                f"blocks={(spec['layers'] - 4) // 6}, pre=True, projected=True, dropout={spec['dropout']!r})")
    if name == "densenet":
        narrow = spec["bottleneck"]
        return (f"DenseNet({inputs}, {outputs}, stem={2 * spec['growth'] if narrow else 16}, growth={spec['growth']}, "
                f"layers={(spec['layers'] - 4) // (6 if narrow else 3)}, bottleneck={narrow}, "
                f"compression={spec['compression']!r})")
    if name == "deq":
        return f"Deq({inputs}, {outputs}, {spec['width']}, {spec['hidden']}, pixels={tuple(shape[1:])}, solver=SOLVER)"
    if name == "mdeq":
        return (f"Mdeq({inputs}, {outputs}, {spec['width']}, {spec['expansion']}, {spec['head_width']}, "
                f"{spec['features']}, pretrained={spec.get('pretrain') is not None}, solver=SOLVER)")
    if name == "mondeq":
        return (f"MonDeq({inputs}, {outputs}, {spec['width']}, pixels={tuple(shape[1:])}, margin={spec['margin']!r}, "
                f"alpha={spec['alpha']!r}, by_fft={spec['splitting'] == 'peaceman_rachford'}, solver=SOLVER)")
    raise KeyError(f"model {name}")
