# The modules and ends of a rule's network as constructor calls of the classes in pieces/, from what a config says.
from typing import Any

Spec = dict[str, Any]

NORMS = {"batch": "BatchNorm", "group": "GroupNorm", "layer": "LayerNorm", "none": "NoNorm"}
ACTIVATIONS = {"relu": "torch.relu", "gelu": "F.gelu", "sigmoid": "torch.sigmoid", "tanh": "torch.tanh",
               "silu": "F.silu", "softplus": "F.softplus"}
SLOPES = {"sigmoid": 0.25, "gelu": 1.129, "silu": 1.0999, "relu": 1.0, "tanh": 1.0, "softplus": 1.0}
CHAINS = {"conv_single": "[(3, width)]", "conv_preact": "[(3, width), (3, width)]",
          "conv_bottleneck_preact": "[(1, width // 4), (3, width // 4), (1, width)]"}


def norm_and_activation(spec: Spec) -> str:
    return f"{NORMS[spec['norm']]}, {ACTIVATIONS[spec['activation']]}"


def module_text(spec: Spec, inputs: str, uses: str) -> str:
    """The module of one step, of `width` channels. `uses`: sets of batch statistics, where it is shared."""
    name = spec["name"]
    if name == "layers":
        return layers_text(spec, uses)
    activation = ACTIVATIONS[spec["activation"]]
    counted = f", {uses}" if uses and keeps_statistics(spec) else ""
    if name in CHAINS:
        return f"PreActivation({inputs}, {CHAINS[name]}, {norm_and_activation(spec)}{counted})"
    if name == "conv_postact":
        return f"PostActivation(width, {norm_and_activation(spec)}{counted})"
    if name == "dense_two_layer" and spec.get("lipschitz") is None:
        return f"TwoLayer(width, {spec['hidden']}, {activation})"
    if name == "dense_two_layer":
        bound = f"lipschitz={spec['lipschitz']!r}, slope={SLOPES[spec['activation']]}"
        return f"BoundedTwoLayer(width, {spec['hidden']}, {activation}, {bound})"
    if name == "implicit_conv" and spec["normalisation"] == "weight":
        return f"WeightNormConv(width, {activation})"
    if name == "implicit_conv":
        return f"BoundedConv(width, {activation}, lipschitz={spec['lipschitz']!r}, slope={SLOPES[spec['activation']]})"
    if name == "convnext":
        return (f"ConvNext(width, {spec['kernel_px']}, {spec['expansion']}, {activation}, "
                f"scaled={spec['layer_scale'] > 0})")
    if name == "transformer":
        return f"Transformer(width, {spec['heads']}, {spec['expansion']}, {activation})"
    raise KeyError(f"module {name}")


def layers_text(spec: Spec, uses: str) -> str:
    """Each by its kind and place, as the program names them."""
    parts, channels = [], "width"
    for place, layer in enumerate(spec["layers"]):
        kind, given = next(iter(layer.items())) if isinstance(layer, dict) else (layer, None)
        sizes = given if isinstance(given, dict) else {}
        size = sizes.get("channels") or sizes.get("width")
        outputs = str(size) if size else f"{sizes['times']} * width" if sizes.get("times") else "width"
        if kind == "norm":
            norm = given if isinstance(given, str) else "batch"
            parts.append(f'("norm{place}", {NORMS[norm]}({channels}{f", {uses}" if uses else ""}))')
        elif kind == "conv":
            kernel = sizes.get("kernel_px", 3)
            how = f"groups={channels}" if sizes.get("depthwise") else "bias=False"
            outputs = channels if sizes.get("depthwise") else outputs
            parts.append(f'("conv{place}", nn.Conv2d({channels}, {outputs}, {kernel}, padding={kernel // 2}, {how}))')
            channels = outputs
        elif kind == "linear":
            parts.append(f'("linear{place}", nn.Linear({channels}, {outputs}))')
            channels = outputs
        else:
            parts.append(ACTIVATIONS[kind])
    return f"Layers({', '.join(parts)})"


def keeps_statistics(spec: Spec) -> bool:
    layers = spec.get("layers", [])
    return spec.get("norm") == "batch" or any(layer == "norm" or layer == {"norm": "batch"} for layer in layers)


def freezes(spec: Spec) -> bool:
    return spec["name"] == "implicit_conv" or (spec["name"] == "dense_two_layer" and spec.get("lipschitz") is not None)


def stem_text(spec: Spec | None, shape: list[int], width: int) -> str:
    image, inputs = len(shape) == 3, shape[0]
    if spec is None:
        spec = {"name": "conv", "kernel_px": 3, "stride": 1} if image else {
            "name": "identity" if inputs == width else "linear"}
    name = spec["name"]
    if name == "conv":
        return f"OneConvolution({inputs}, {width}, {spec['kernel_px']}, {spec['stride']})"
    if name == "linear":
        return f"OneLinear({inputs}, {width})"
    if name == "zero_pad":
        return f"Pad({width}, 1)"
    if name == "patchify":
        return f"Patchify({inputs}, {width}, {spec['patch_px']}, normed={spec['norm']})"
    if name == "class_token":
        tokens = 1 + shape[1] // spec["patch_px"] * (shape[2] // spec["patch_px"])
        return f"PatchTokens({inputs}, {width}, {spec['patch_px']}, {tokens})"
    return "nn.Identity()"


def transition_text(spec: Spec, before: int, after: int, image: bool) -> str:
    name = spec["name"]
    if name == "pad":
        return f"Pad({after}, 2)"
    if name == "dense" and image:
        return f"DenseDown({before}, {after}, BatchNorm)"
    if name == "norm_conv":
        return f"NormConv({before}, {after})"
    return f"OneConvolution({before}, {after}, 1, 2)" if image else f"OneLinear({before}, {after}, bias=False)"


def head_text(spec: Spec | None, outputs: int, width: int, image: bool) -> str:
    if spec is None:
        spec = {"name": "pool_linear", "norm": "batch", "activation": "relu"} if image else {"name": "linear"}
    name = spec["name"]
    if name == "pool_linear":
        plain = spec["norm"] == "none"
        return f"PoolLinear({width}, {outputs}, {'NoNorm, nn.Identity()' if plain else norm_and_activation(spec)})"
    if name in ("pool_norm_linear", "class_token"):
        return f"NormLinear({width}, {outputs})"
    return f"OneLinear({width}, {outputs})" if name == "linear" else f"ReadState({outputs})"
