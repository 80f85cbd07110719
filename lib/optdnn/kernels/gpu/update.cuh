// One update of all weights, without a word of the host. weigh_gradients decides,
//   norm = |gradient / s|,  divide = s max(norm / clip, 1)
// where s is the scale of the loss, which halves when a gradient is not finite, that update being skipped, and doubles
// after 2000 updates without. update_weights then makes
//   g = gradient / divide
//   SGD   g += decay w,  m = beta m + g,  w -= rate (nesterov ? g + beta m : m)
//   Adam  g += decay w, or decoupled w -= rate decay w,  m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
//         w -= rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
// and the averages of the weights, average += share (w - average). Runs with a batch that was not finite stay.
#pragma once

#include "optdnn/kernels/gpu/chunks.cuh"
#include "optdnn/kernels/gpu/update.h"

namespace optdnn::kernels::gpu {

// As LibTorch's _amp_update_scale_, with the numbers of torch.amp.GradScaler.
DEVICE void rescale(float& scale, int& growth, bool overflowed) {
  growth = overflowed ? 0 : growth + 1;
  if (overflowed) scale *= 0.5f;
  if (growth < 2000) return;
  growth = 0;
  if (is_finite(2.0f * scale)) scale *= 2.0f;
}

struct Weighing {
  const float* gradient;
  float unscale;
  float sums[2];  // of squares; of numbers that are not finite
  template <int kWidth>
  DEVICE void at(int i) {
    float g[kWidth];
    read(gradient + i, g);
    UNROLLED
    for (int c = 0; c < kWidth; ++c) {
      const float unscaled = g[c] * unscale;
      sums[0] += unscaled * unscaled;
      if (!is_finite(g[c])) sums[1] += 1.0f;
    }
  }
};

template <int kWidth>
KERNEL weigh_gradients(const Gradients a) {
  begin_kernel();
  const int chunk = a.chunks.begin + block();
  const GradientPart& of = part_of_chunk(a.parts, a.chunks.parts, chunk);
  const float scale = a.scale ? *a.scale : 1.0f;
  Weighing weighing{of.numbers, 1.0f / scale, {}};
  for_each_of_chunk<kWidth>(chunk - of.begin, of.count, weighing);
  add_up(weighing.sums, Lane<1>({0, 1, 1}), a.totals, [&](int, const float(&sums)[2]) {
    const float norm = root(sums[0]), over = a.clip > 0.0f ? norm / a.clip : 1.0f;
    const bool overflowed = a.scale && sums[1] > 0.0f;
    a.decision[0] = over < 1.0f ? scale : over * scale;
    a.decision[1] = overflowed ? 1.0f : 0.0f;
    if (a.scale) {
      rescale(*a.scale, *a.growth, overflowed);
    } else if (a.clip > 0.0f && !is_finite(norm) && *a.first_bad < 0) {
      *a.first_bad = *a.now;
    }
  });
}

struct Sgd {
  DEVICE explicit Sgd(const Update&) {}
  DEVICE void operator()(const Update& a, const UpdatedPart& of, float rate, float g, float& w, float& m,
                         float&) const {
    g += of.decay * w;
    if (of.first) {
      m = a.betas[0] * m + g;
      g = a.nesterov ? g + a.betas[0] * m : m;
    }
    w -= rate * g;
  }
};

struct Adam {
  // 1 - b^t without the cancellation at b near 1.
  DEVICE explicit Adam(const Update& a)
      : first(-1.0f / exp_minus_one((*a.step + 1.0f) * a.log_betas[0])),
        root_second(inverse_root(-exp_minus_one((*a.step + 1.0f) * a.log_betas[1]))) {}
  DEVICE void operator()(const Update& a, const UpdatedPart& of, float rate, float g, float& w, float& m,
                         float& v) const {
    if (a.decoupled) {
      w -= rate * of.decay * w;
    } else {
      g += of.decay * w;
    }
    m = a.betas[0] * m + a.shares[0] * g;
    v = a.betas[1] * v + a.shares[1] * g * g;
    w -= rate * first * m / (root(v) * root_second + a.epsilon);
  }
  float first, root_second;  // what the moments are multiplied by
};

template <class Rule>
struct Updating {
  const Update& a;
  const UpdatedPart& of;
  Rule rule;
  float rate, factor;
  bool updates;
  template <int kWidth>
  DEVICE void at(int i) const {
    float w[kWidth];
    read(of.weight + i, w);
    if (updates) {
      float g[kWidth], m[kWidth] = {}, v[kWidth] = {};
      read(of.gradient + i, g);
      if (of.first) read(of.first + i, m);
      if (of.second) read(of.second + i, v);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) {
        if (a.runs > 1 && a.first_bad[(i + c) / (of.count / a.runs)] >= 0) continue;
        rule(a, of, rate, g[c] * factor, w[c], m[c], v[c]);
      }
      write(w, of.weight + i);
      if (of.first) write(m, of.first + i);
      if (of.second) write(v, of.second + i);
    }
    if (of.average) {
      float average[kWidth];
      read(of.average + i, average);
      UNROLLED
      for (int c = 0; c < kWidth; ++c) average[c] += a.average_share * (w[c] - average[c]);
      write(average, of.average + i);
    }
  }
};

template <class Rule, int kWidth>
KERNEL update_weights(const Update a) {
  begin_kernel();
  const int chunk = a.chunks.begin + block();
  const UpdatedPart& of = part_of_chunk(a.parts, a.chunks.parts, chunk);
  const bool overflowed = a.overflowed && *a.overflowed != 0.0f, bad = a.runs == 1 && *a.first_bad >= 0;
  const Updating<Rule> updating{a,
                                of,
                                Rule(a),
                                of.rate * *a.learning_rate,
                                a.divide ? 1.0f / *a.divide : 1.0f,
                                of.gradient && !overflowed && !bad};
  for_each_of_chunk<kWidth>(chunk - of.begin, of.count, updating);
  if (!a.step) return;
  sync();
  if (thread() != 0 || add_to(a.arrived, 1) != a.blocks - 1) return;  // all have read it
  if (!overflowed && !bad) *a.step += 1.0f;
  *a.arrived = 0;
}

// Keeps the batch whose values are not finite, where none was before.
KERNEL watch_values(const Watched a) {
  begin_kernel();
  for (int i = block() * threads() + thread(); i < a.count; i += blocks() * threads()) {
    if (!is_finite(a.values[i]) && a.first_bad[i] < 0) a.first_bad[i] = *a.now;
  }
}

}  // namespace optdnn::kernels::gpu
