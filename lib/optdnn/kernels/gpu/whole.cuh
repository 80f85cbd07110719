// All steps of small two-layer modules T(x) = W2 s(W1 x + b1) + b2 for vectors, in a kernel each way: a few
// neighbouring threads take a sample through the whole program, whose values and weights stay in shared memory. A third
// kernel adds up the gradients of the weights from what the two have left, samples innermost, a few threads a number.
// In float.
#pragma once

#include "optdnn/kernels/gpu/whole.h"

namespace optdnn::kernels::gpu {

DEVICE float activate(WholeActivation activation, float z) {
  if (activation == kTanh) return hyperbolic_tangent(z);
  if (activation == kSigmoid) return 0.5f + 0.5f * hyperbolic_tangent(0.5f * z);
  return z < 0.0f ? 0.0f : z;
}

// d s'(z) from h = s(z).
DEVICE float times_slope(WholeActivation activation, float h, float d) {
  if (activation == kTanh) return d * (1.0f - h * h);
  if (activation == kSigmoid) return d * (h * (1.0f - h));
  return h > 0.0f ? d : 0.0f;
}

// The number of a column in `row` times a matrix.
DEVICE float product(const float* row, const float* matrix, int rows, int columns, int column) {
  float sum = 0.0f;
  UNROLLED_BY_4
  for (int r = 0; r < rows; ++r) sum += row[r] * matrix[r * columns + column];
  return sum;
}

DEVICE float weight_of(const WholeProgram& program, const WholeTerm& term) {
  return term.learned < 0 ? term.weight : program.learned[term.learned][part()];
}

// A layer's weights in shared memory.
struct WholeLayer {
  int H;
  WholeActivation activation;
  float *W1, *b1, *W2, *b2;
};

// What a block has of one run: all weights, then for each of its samples the places of values and a hidden layer.
struct WholeBlock {
  DEVICE explicit WholeBlock(const WholePass& pass)
      : a(pass),
        of(pass.program),
        lane(thread() % pass.lanes),
        stride((of.places * of.D + of.most_hidden) | 1),  // odd, so that samples are in different banks
        places(shared_memory() + of.begin[of.layers] + thread() / pass.lanes * stride),
        row(places + of.places * of.D) {}

  // Matrices so that a product's columns lie side by side: forwards they are turned. Each warp brings its share of the
  // layers, so that none waits for another's.
  template <bool kTurned>
  DEVICE void load_weights() const {
    const int warp = threads() < 32 ? threads() : 32;
    for (int l = thread() / warp; l < of.layers; l += threads() / warp) {
      const WholeWeights<const float>& weights = a.weights[l];
      const WholeLayer to = layer(l);
      load_matrix<kTurned>(weights.W1, to.H, of.D, warp, to.W1);
      load_matrix<false>(weights.b1, 1, to.H, warp, to.b1);
      load_matrix<kTurned>(weights.W2, of.D, to.H, warp, to.W2);
      load_matrix<false>(weights.b2, 1, of.D, warp, to.b2);
    }
    sync();
  }

  template <bool kTurned>
  DEVICE void load_matrix(const float* from, int rows, int columns, int warp, float* to) const {
    const int count = rows * columns;
    for (int i = thread() % warp; i < count; i += warp)
      to[kTurned ? i % columns * rows + i / columns : i] = from[static_cast<long long>(part()) * count + i];
  }

  DEVICE WholeLayer layer(int l) const {
    float* first = shared_memory() + of.begin[l];
    const int H = of.hidden[l];
    return {H, of.activation[l], first, first + H * of.D, first + H * of.D + H, first + 2 * H * of.D + H};
  }

  // Calls each(sample, whether it is this thread's). The threads of a block stay together: those without a sample take
  // the last one, and are to write nothing outside the block.
  template <class Each>
  DEVICE void for_each_sample(Each each) const {
    const int slots = threads() / a.lanes, slot = thread() / a.lanes;
    for (int first = block() * slots; first < of.N; first += blocks() * slots)
      each(first + slot < of.N ? first + slot : of.N - 1, first + slot < of.N);
  }

  // Calls each(number) for this thread's numbers among `count` of a sample. They are the same ones each time, so that
  // only what other threads have written has to be waited for.
  template <class Each>
  DEVICE void for_own(int count, Each each) const {
    for (int i = lane; i < count; i += a.lanes) each(i);
  }

  DEVICE float* place(int number) const { return places + number * of.D; }

  // Of a state outside, where it begins for a sample.
  DEVICE long long outside(int sample) const { return (static_cast<long long>(part()) * of.N + sample) * of.D; }
  DEVICE long long value_at(int value, int d, int sample) const {
    return ((static_cast<long long>(part()) * of.values + value) * of.D + d) * of.N + sample;
  }
  DEVICE long long hidden_at(int hidden_row, int sample) const {
    return (static_cast<long long>(part()) * of.hidden_rows + hidden_row) * of.N + sample;
  }

  const WholePass& a;
  const WholeProgram& of;
  int lane, stride;
  float *places, *row;
};

KERNEL whole_forward(const WholePass a) {
  begin_kernel();
  const WholeBlock of(a);
  const WholeProgram& program = a.program;
  of.load_weights<true>();
  of.for_each_sample([&](int sample, bool own) {
    const auto keep = [&](int value, int d, float number) {
      if (own && a.values) a.values[of.value_at(value, d, sample)] = number;
    };
    for (int i = 0; i < program.inputs; ++i) {
      of.for_own(program.D, [&](int d) {
        of.place(i)[d] = a.given[i][of.outside(sample) + d];
        keep(i, d, of.place(i)[d]);
      });
    }
    for (int i = 0; i < program.count; ++i) {
      const WholeOperation operation = program.operations[i];
      float* result = of.place(operation.place);
      if (operation.layer < 0) {
        of.for_own(program.D, [&](int d) {
          float sum = 0.0f;
          for (int t = operation.begin; t < operation.end; ++t) {
            const WholeTerm term = program.terms[t];
            sum += weight_of(program, term) * of.place(term.place)[d];
          }
          result[d] = sum;
          keep(operation.value, d, sum);
        });
        continue;
      }
      const WholeLayer layer = of.layer(operation.layer);
      sync_warp();
      of.for_own(layer.H, [&](int h) {
        const float z = layer.b1[h] + product(of.place(operation.argument_place), layer.W1, program.D, layer.H, h);
        of.row[h] = activate(layer.activation, z);
        if (own && a.hidden) a.hidden[of.hidden_at(operation.hidden + h, sample)] = of.row[h];
      });
      sync_warp();
      of.for_own(program.D, [&](int d) {
        result[d] = layer.b2[d] + product(of.row, layer.W2, layer.H, program.D, d);
        keep(operation.value, d, result[d]);
      });
    }
    for (int i = 0; i < program.outputs; ++i) {
      of.for_own(program.D, [&](int d) {
        if (own) a.made[i][of.outside(sample) + d] = of.place(a.places[i])[d];
      });
    }
  });
}

// Gradients have the places of their values. Each is complete where its value is made, and then leaves a zero to the
// one that has the place next.
KERNEL whole_backward(const WholePass a) {
  begin_kernel();
  const WholeBlock of(a);
  const WholeProgram& program = a.program;
  of.load_weights<false>();
  of.for_each_sample([&](int sample, bool own) {
    for (int i = 0; i < program.places; ++i) of.for_own(program.D, [&](int d) { of.place(i)[d] = 0.0f; });
    for (int i = 0; i < program.outputs; ++i) {
      if (!a.given[i]) continue;
      of.for_own(program.D, [&](int d) { of.place(a.places[i])[d] += a.given[i][of.outside(sample) + d]; });
    }
    for (int i = program.count - 1; i >= 0; --i) {
      const WholeOperation operation = program.operations[i];
      float* result = of.place(operation.place);
      of.for_own(program.D, [&](int d) {
        if (own) a.values[of.value_at(operation.value, d, sample)] = result[d];
      });
      if (operation.layer < 0) {
        of.for_own(program.D, [&](int d) {
          for (int t = operation.begin; t < operation.end; ++t) {
            const WholeTerm term = program.terms[t];
            of.place(term.place)[d] += weight_of(program, term) * result[d];
          }
          result[d] = 0.0f;
        });
        continue;
      }
      const WholeLayer layer = of.layer(operation.layer);
      sync_warp();
      of.for_own(layer.H, [&](int h) {
        const long long at = of.hidden_at(operation.hidden + h, sample);
        const float s = a.hidden[at];  // on its way during the product
        of.row[h] = times_slope(layer.activation, s, product(result, layer.W2, program.D, layer.H, h));
        if (own) a.d_hidden[at] = of.row[h];
      });
      sync_warp();
      of.for_own(program.D, [&](int d) {
        of.place(operation.argument_place)[d] += product(of.row, layer.W1, layer.H, program.D, d);
        result[d] = 0.0f;
      });
    }
    for (int i = 0; i < program.inputs; ++i) {
      of.for_own(program.D, [&](int d) {
        if (own) a.made[i][of.outside(sample) + d] = of.place(i)[d];
      });
    }
  });
}

// This thread's share of sum x y, or of sum x.
DEVICE float share_of_dot(const float* x, const float* y, int count, int lane, int lanes) {
  float sum = 0.0f;
  UNROLLED_BY_4
  for (int i = lane; i < count; i += lanes) sum += y ? x[i] * y[i] : x[i];
  return sum;
}

KERNEL whole_sums(const WholeSums a) {
  begin_kernel();
  const WholeProgram& program = a.program;
  const int D = program.D, N = program.N, run = part(), lane = thread() % a.lanes;
  const int which = (block() * threads() + thread()) / a.lanes, all = a.sums + a.learned;
  const long long of_values = static_cast<long long>(run) * program.values * D * N,
                  of_hidden = static_cast<long long>(run) * program.hidden_rows * N;
  const auto value = [&](const float* values, int number, int d) {
    return values + of_values + (static_cast<long long>(number) * D + d) * N;
  };
  const auto hidden = [&](const float* rows, int row) { return rows + of_hidden + static_cast<long long>(row) * N; };
  float sum = 0.0f;
  float* to = nullptr;
  if (which < a.sums) {
    int i = which, layer = 0, H = program.hidden[0];
    for (; i >= 2 * H * D + H + D; H = program.hidden[++layer]) i -= 2 * H * D + H + D;
    const WholeWeights<float>& weights = a.weights[layer];
    const bool first = i < H * D + H;  // of the two
    if (!first) i -= H * D + H;
    const int count = H * D, bias = i - count, outputs = first ? H : D, inputs = first ? D : H;
    const int output = bias < 0 ? i / inputs : bias, input = i % inputs;
    if (bias < 0) to = (first ? weights.W1 : weights.W2) + static_cast<long long>(run) * count + i;
    if (bias >= 0) to = (first ? weights.b1 : weights.b2) + static_cast<long long>(run) * outputs + bias;
    for (int o = 0; o < program.count; ++o) {
      const WholeOperation operation = program.operations[o];
      if (operation.layer != layer) continue;
      const float* x =
          first ? hidden(a.d_hidden, operation.hidden + output) : value(a.d_values, operation.value, output);
      const float* y = first ? value(a.values, operation.argument, input) : hidden(a.hidden, operation.hidden + input);
      sum += share_of_dot(x, bias < 0 ? y : nullptr, N, lane, a.lanes);
    }
  } else if (which < all) {
    const int learned = which - a.sums;
    to = a.d_learned + static_cast<long long>(learned) * a.runs + run;
    for (int o = 0; o < program.count; ++o) {
      const WholeOperation operation = program.operations[o];
      for (int t = operation.begin; operation.layer < 0 && t < operation.end; ++t) {
        const WholeTerm term = program.terms[t];
        if (term.learned != learned) continue;
        sum +=
            share_of_dot(value(a.d_values, operation.value, 0), value(a.values, term.value, 0), D * N, lane, a.lanes);
      }
    }
  }
  sum = add_across(sum, a.lanes);
  if (lane == 0 && to) *to = sum;
}

}  // namespace optdnn::kernels::gpu
