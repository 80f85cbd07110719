# The modules T, as they are in lib/optdnn/modules. Those whose weights are normalised have used(), the weights that
# count, and frozen(), T with these computed once.
import torch

from .layers import GroupNorm, bounded_group_norm, spectral_norm, weight_normalised

nn, F = torch.nn, torch.nn.functional


class PreActivation(nn.Module):
    """T(x): norm, activation and convolution, once for each (kernel, outputs)."""

    def __init__(self, inputs, layers, norm, activation, uses=1):
        super().__init__()
        self.count, self.activation = len(layers), activation
        for i, (kernel, outputs) in enumerate(layers, 1):
            self.add_module(f"norm{i}", norm(inputs, uses))
            self.add_module(f"conv{i}", nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False))
            inputs = outputs

    def forward(self, x, step=0):
        for i in range(1, self.count + 1):
            norm, conv = getattr(self, f"norm{i}"), getattr(self, f"conv{i}")
            x = conv(self.activation(norm(x, step)))
        return x


class PostActivation(nn.Module):
    """T(x) = Norm Conv s(Norm Conv x)"""

    def __init__(self, width, norm, activation, uses=1):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = norm(width, uses)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = norm(width, uses)
        self.activation = activation

    def forward(self, x, step=0):
        return self.norm2(self.conv2(self.activation(self.norm1(self.conv1(x), step))), step)


class TwoLayer(nn.Module):
    """T(x) = W2 s(W1 x + b1) + b2"""

    def __init__(self, width, hidden, activation):
        super().__init__()
        self.layer1, self.layer2, self.activation = nn.Linear(width, hidden), nn.Linear(hidden, width), activation

    def forward(self, x, step=0):
        return self.layer2(self.activation(self.layer1(x)))


class BoundedTwoLayer(nn.Module):
    """T(x) = c W2 s(W1 x + b1) + b2, c = min(1, L / (|W2| slope |W1|)), so that L is a Lipschitz constant."""

    def __init__(self, width, hidden, activation, lipschitz, slope):
        super().__init__()
        self.layer1, self.layer2, self.activation = nn.Linear(width, hidden), nn.Linear(hidden, width), activation
        self.bound = lipschitz / slope

    def used(self):
        W1, W2 = self.layer1.weight, self.layer2.weight
        return W1, W2 * (self.bound / (spectral_norm(W1) * spectral_norm(W2))).clamp_max(1)

    def frozen(self, step=0):
        W1, W2 = self.used()
        return lambda x: F.linear(self.activation(F.linear(x, W1, self.layer1.bias)), W2, self.layer2.bias)

    def forward(self, x, step=0):
        return self.frozen()(x)


class NormalisedConvolution(nn.Module):
    """Holds the weights of a 3x3 convolution; with a gain for each output they have weight norm."""

    def __init__(self, inputs, outputs, gain, kernel=3):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.gain = nn.Parameter(torch.zeros(outputs)) if gain else None

    def used(self):
        return self.weight if self.gain is None else weight_normalised(self.weight, self.gain)


class WeightNormConv(nn.Module):
    """T(x) = W2 s(GroupNorm(W1 x)), W1 and W2 with weight norm"""

    def __init__(self, width, activation):
        super().__init__()
        self.conv1, self.conv2 = NormalisedConvolution(width, width, True), NormalisedConvolution(width, width, True)
        self.norm, self.activation = GroupNorm(width), activation

    def used(self):
        return self.conv1.used(), self.conv2.used()

    def frozen(self, step=0):
        W1, W2 = self.used()
        return lambda x: F.conv2d(self.activation(self.norm(F.conv2d(x, W1, padding=1))), W2, padding=1)

    def forward(self, x, step=0):
        return self.frozen()(x)


class BoundedConv(nn.Module):
    """T(x) = c W2 s(N(W1 x)), N a group norm with Lipschitz constant 1, c = min(1, L / (|W2| slope |W1|))"""

    def __init__(self, width, activation, lipschitz, slope):
        super().__init__()
        self.conv1, self.conv2 = NormalisedConvolution(width, width, False), NormalisedConvolution(width, width, False)
        self.norm, self.activation, self.bound = GroupNorm(width), activation, lipschitz / slope

    def used(self):
        W1, W2 = self.conv1.used(), self.conv2.used()
        norms = [spectral_norm(W.flatten(1)) * W.shape[-1] for W in (W1, W2)]
        return W1, W2 * (self.bound / (norms[0] * norms[1])).clamp_max(1)

    def frozen(self, step=0):
        W1, W2 = self.used()
        normed = lambda x: bounded_group_norm(F.conv2d(x, W1, padding=1), self.norm)  # noqa: E731
        return lambda x: F.conv2d(self.activation(normed(x)), W2, padding=1)

    def forward(self, x, step=0):
        return self.frozen()(x)


class Layers(nn.Module):
    """T(x): these layers in their order, modules by their names and activations"""

    def __init__(self, *layers):
        super().__init__()
        self.order = [layer if callable(layer) else layer[0] for layer in layers]
        for layer in layers:
            if not callable(layer):
                self.add_module(*layer)

    def forward(self, x, step=0):
        for layer in self.order:
            if callable(layer):
                x = layer(x)
            else:
                module = getattr(self, layer)
                x = module(x, step) if layer.startswith("norm") else module(x)
        return x


class TwoLinear(nn.Module):
    """fc2 s(fc1 x), over the last dimension"""

    def __init__(self, width, hidden, activation):
        super().__init__()
        self.fc1, self.fc2, self.activation = nn.Linear(width, hidden), nn.Linear(hidden, width), activation

    def forward(self, x):
        return self.fc2(self.activation(self.fc1(x)))


class ConvNext(nn.Module):
    """T(x) = g fc2 s(fc1 LN DW(x)), DW a depthwise convolution; drop path, which is for training, is left out"""

    def __init__(self, width, kernel, expansion, activation, scaled):
        super().__init__()
        self.conv_dw = nn.Conv2d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = TwoLinear(width, expansion * width, activation)
        self.gamma = nn.Parameter(torch.ones(width)) if scaled else None

    def forward(self, x, step=0):
        y = self.mlp(self.norm(self.conv_dw(x).permute(0, 2, 3, 1)))
        return (y if self.gamma is None else y * self.gamma).permute(0, 3, 1, 2)


class Attention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V in every head, then one linear map"""

    def __init__(self, width, heads):
        super().__init__()
        self.qkv, self.proj, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads

    def forward(self, z):
        q, k, v = self.qkv(z).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Transformer(nn.Module):
    """T(z) = a + MLP(LN(z + a)), a = Attn(LN z), of tokens or the pixels of an image; drop path is left out"""

    def __init__(self, width, heads, expansion, activation):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads), TwoLinear(width, expansion * width, activation)

    def forward(self, x, step=0):
        z = x.flatten(2).transpose(1, 2) if x.dim() == 4 else x
        a = self.attn(self.norm1(z))
        y = a + self.mlp(self.norm2(z + a))
        return y.transpose(1, 2).reshape(x.shape) if x.dim() == 4 else y
