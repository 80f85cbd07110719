#include "models/naive_vision.h"

#include <cmath>

namespace optdnn::tests {

using torch::Tensor;

namespace {

Weights below(const Weights& weights, const std::string& prefix) {
  Weights found;
  for (const auto& [name, tensor] : weights) {
    if (name.starts_with(prefix)) found[name.substr(prefix.size())] = tensor;
  }
  return found;
}

Tensor two_layers(const Weights& mlp, const Tensor& x_NC) {
  Tensor hidden = naive_linear(below(mlp, "fc1."), x_NC);
  auto h = hidden.accessor<double, 2>();
  for (int64_t n = 0; n < h.size(0); ++n) {
    for (int64_t c = 0; c < h.size(1); ++c) h[n][c] *= 0.5 * (1.0 + std::erf(h[n][c] / std::sqrt(2.0)));
  }
  return naive_linear(below(mlp, "fc2."), hidden);
}

Tensor depthwise(const Weights& conv, const Tensor& x_BCHW) {
  Tensor y_BCHW = torch::zeros_like(x_BCHW, torch::MemoryFormat::Contiguous);
  const auto x = x_BCHW.accessor<double, 4>(), w = conv.at("weight").accessor<double, 4>();
  const auto bias = conv.at("bias").accessor<double, 1>();
  auto out = y_BCHW.accessor<double, 4>();
  const int64_t kernel = w.size(2), half = kernel / 2;
  for (int64_t b = 0; b < x.size(0); ++b)
    for (int64_t c = 0; c < x.size(1); ++c)
      for (int64_t i = 0; i < x.size(2); ++i)
        for (int64_t j = 0; j < x.size(3); ++j) {
          double sum = bias[c];
          for (int64_t p = 0; p < kernel; ++p)
            for (int64_t q = 0; q < kernel; ++q) {
              const int64_t y = i + p - half, z = j + q - half;
              if (y >= 0 && y < x.size(2) && z >= 0 && z < x.size(3)) sum += w[c][0][p][q] * x[b][c][y][z];
            }
          out[b][c][i][j] = sum;
        }
  return y_BCHW;
}

// One sample: N x D tokens through attention with `heads` heads.
Tensor attention(const Weights& attn, const Tensor& x_ND, int64_t heads) {
  const Tensor qkv_N3D = naive_linear(below(attn, "qkv."), x_ND);
  const auto qkv = qkv_N3D.accessor<double, 2>();
  const int64_t tokens = x_ND.size(0), width = x_ND.size(1), per_head = width / heads;
  Tensor mixed_ND = torch::zeros({tokens, width}, torch::kFloat64);
  auto mixed = mixed_ND.accessor<double, 2>();
  for (int64_t head = 0; head < heads; ++head) {
    const int64_t at = head * per_head;
    for (int64_t n = 0; n < tokens; ++n) {
      std::vector<double> weight(tokens);
      double sum = 0.0;
      for (int64_t m = 0; m < tokens; ++m) {
        double product = 0.0;
        for (int64_t d = 0; d < per_head; ++d) product += qkv[n][at + d] * qkv[m][width + at + d];
        sum += weight[m] = std::exp(product / std::sqrt(static_cast<double>(per_head)));
      }
      for (int64_t m = 0; m < tokens; ++m)
        for (int64_t d = 0; d < per_head; ++d) mixed[n][at + d] += weight[m] / sum * qkv[m][2 * width + at + d];
    }
  }
  return naive_linear(below(attn, "proj."), mixed_ND);
}

}  // namespace

Weights weights_below(const torch::nn::Module& module, const std::string& prefix) {
  Weights all;
  for (const auto& item : module.named_parameters()) all[item.key()] = item.value().detach().to(torch::kFloat64);
  return below(all, prefix);
}

Tensor to_rows(const Tensor& x_BCHW) { return x_BCHW.permute({0, 2, 3, 1}).reshape({-1, x_BCHW.size(1)}).contiguous(); }

Tensor to_image(const Tensor& rows_NC, torch::IntArrayRef sizes) {
  return rows_NC.view({sizes[0], sizes[2], sizes[3], -1}).permute({0, 3, 1, 2}).contiguous();
}

Tensor naive_linear(const Weights& linear, const Tensor& x_NC) {
  const auto x = x_NC.accessor<double, 2>(), w = linear.at("weight").accessor<double, 2>();
  const auto bias = linear.at("bias").accessor<double, 1>();
  Tensor y_ND = torch::zeros({x.size(0), w.size(0)}, torch::kFloat64);
  auto y = y_ND.accessor<double, 2>();
  for (int64_t n = 0; n < x.size(0); ++n)
    for (int64_t d = 0; d < w.size(0); ++d) {
      y[n][d] = bias[d];
      for (int64_t c = 0; c < x.size(1); ++c) y[n][d] += w[d][c] * x[n][c];
    }
  return y_ND;
}

Tensor naive_norm(const Weights& norm, const Tensor& x_NC) {
  const auto scale = norm.at("weight").accessor<double, 1>(), shift = norm.at("bias").accessor<double, 1>();
  Tensor y_NC = x_NC.clone();
  auto y = y_NC.accessor<double, 2>();
  for (int64_t n = 0; n < y.size(0); ++n) {
    double mean = 0.0, square = 0.0;
    const auto count = static_cast<double>(y.size(1));
    for (int64_t c = 0; c < y.size(1); ++c) mean += y[n][c] / count;
    for (int64_t c = 0; c < y.size(1); ++c) square += (y[n][c] - mean) * (y[n][c] - mean) / count;
    for (int64_t c = 0; c < y.size(1); ++c) {
      y[n][c] = (y[n][c] - mean) / std::sqrt(square + 1e-6) * scale[c] + shift[c];
    }
  }
  return y_NC;
}

Tensor naive_patches(const Weights& conv, const Tensor& images_BCHW, int64_t patch) {
  const auto x = images_BCHW.accessor<double, 4>();
  const Tensor weight_DN = conv.at("weight").flatten(1).contiguous();
  const int64_t high = x.size(2) / patch, wide = x.size(3) / patch;
  Tensor rows = torch::zeros({x.size(0) * high * wide, weight_DN.size(1)}, torch::kFloat64);
  auto row = rows.accessor<double, 2>();
  for (int64_t b = 0; b < x.size(0); ++b)
    for (int64_t i = 0; i < high; ++i)
      for (int64_t j = 0; j < wide; ++j)
        for (int64_t c = 0; c < x.size(1); ++c)
          for (int64_t p = 0; p < patch; ++p)
            for (int64_t q = 0; q < patch; ++q)
              row[(b * high + i) * wide + j][(c * patch + p) * patch + q] = x[b][c][i * patch + p][j * patch + q];
  return to_image(naive_linear({{"weight", weight_DN}, {"bias", conv.at("bias")}}, rows), {x.size(0), 0, high, wide});
}

Tensor naive_convnext(const Weights& module, const Tensor& x_BCHW) {
  Tensor y = to_rows(depthwise(below(module, "conv_dw."), x_BCHW));
  y = two_layers(below(module, "mlp."), naive_norm(below(module, "norm."), y));
  const auto gamma = module.find("gamma");
  if (gamma != module.end()) y = y * gamma->second;
  return to_image(y, x_BCHW.sizes());
}

Tensor naive_transformer(const Weights& module, const Tensor& z_BND, int64_t heads) {
  std::vector<Tensor> results;
  for (const Tensor& z_ND : z_BND.unbind(0)) {
    const Tensor a = attention(below(module, "attn."), naive_norm(below(module, "norm1."), z_ND), heads);
    results.push_back(a + two_layers(below(module, "mlp."), naive_norm(below(module, "norm2."), z_ND + a)));
  }
  return torch::stack(results);
}

}  // namespace optdnn::tests
