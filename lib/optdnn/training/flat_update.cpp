#include "optdnn/training/flat_update.h"

#include <ATen/ceil_div.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "optdnn/base/text.h"
#include "optdnn/kernels/gpu/update.h"
#include "optdnn/kernels/gpu_rows.h"
#include "optdnn/kernels/launcher.h"
#include "optdnn/kernels/layout.h"
#include "optdnn/training/parameter_group.h"

namespace optdnn::training {

namespace {

using kernels::Launcher;
using kernels::gpu::GradientPart;
using kernels::gpu::Gradients;
using kernels::gpu::Update;
using kernels::gpu::UpdatedPart;
using torch::Tensor;

constexpr int kVectorWidth = 4;                     // float32 numbers in 16 bytes
constexpr int64_t kMostNumbers = int64_t{1} << 30;  // of a tensor
constexpr size_t kArgumentBytes = 4096;             // of a kernel, in every CUDA
static_assert(sizeof(Update) <= kArgumentBytes && sizeof(Gradients) <= kArgumentBytes);

bool is_flat(const Tensor& x) {
  return x.scalar_type() == torch::kFloat32 && x.is_non_overlapping_and_dense() && x.numel() < kMostNumbers;
}

std::string update_kernel(const StepRule& rule, int width) {
  return base::concat("update_weights<", rule.step.defined() ? "Adam" : "Sgd", ", ", width, ">");
}
std::string gradients_kernel(int width) { return base::concat("weigh_gradients<", width, ">"); }

template <class Number>
Number* memory(const Tensor& x) {
  return x.defined() ? static_cast<Number*>(x.data_ptr()) : nullptr;
}
float* numbers(const Tensor& x) { return memory<float>(x); }

// The tensors of an update: what the kernels' parts point at.
struct FlatWeight {
  Tensor weight, gradient, first, second, average;
  float decay = 0, rate = 0;
};

// Those that change: with a gradient, with an average, or with both.
std::vector<FlatWeight> flat_weights(const UpdateParts& parts, const StepRule& rule) {
  std::map<const void*, Tensor> averages;  // by their weights
  for (size_t i = 0; parts.ema && i < parts.ema->weights().size(); ++i)
    averages[parts.ema->weights()[i].const_data_ptr()] = parts.ema->averages()[i];
  std::vector<FlatWeight> all;
  for (const ParameterGroup& group : rule.groups) {
    for (size_t i = 0; i < group.parameters.size(); ++i) {
      FlatWeight of{group.parameters[i], group.parameters[i].grad(), {}, {}, {}, 0, 0};
      if (of.gradient.defined()) of.gradient = kernels::laid_as(of.gradient, of.weight.strides());
      if (!group.moments.empty()) of.first = group.moments[0][i];
      if (group.moments.size() > 1) of.second = group.moments[1][i];
      if (auto found = averages.extract(of.weight.const_data_ptr())) of.average = found.mapped();
      of.decay = static_cast<float>(group.weight_decay);
      of.rate = static_cast<float>(group.rate_factor);
      if (of.weight.numel() > 0 && (of.gradient.defined() || of.average.defined())) all.push_back(std::move(of));
    }
  }
  for (size_t i = 0; parts.ema && i < parts.ema->weights().size(); ++i) {  // statistics, and weights that are held
    const Tensor& weight = parts.ema->weights()[i];
    if (averages.contains(weight.const_data_ptr()) && weight.numel() > 0)
      all.push_back({weight, {}, {}, {}, parts.ema->averages()[i], 0, 0});
  }
  return all;
}

int vector_width(const std::vector<FlatWeight>& all) {
  const auto is_read_whole = [](const Tensor& x) { return !x.defined() || kernels::is_aligned(x, 16); };
  const bool whole = std::all_of(all.begin(), all.end(), [&](const FlatWeight& of) {
    return is_read_whole(of.weight) && is_read_whole(of.gradient) && is_read_whole(of.first) &&
           is_read_whole(of.second) && is_read_whole(of.average);
  });
  return whole ? kVectorWidth : 1;
}

// Numbers the chunks of all parts through; returns how many there are.
template <class Part>
int number_chunks(std::vector<Part>& parts, const Launcher& launcher, int width) {
  const int size = launcher.threads() * width * kernels::gpu::kVectorsOfChunk;
  int chunks = 0;
  for (Part& part : parts) {
    part.begin = chunks;
    chunks += at::ceil_div(part.count, size);
  }
  return chunks;
}

// Starts the kernel for so many parts at a time as its arguments hold; `prepare` sees those of each launch.
template <class Arguments, class Part, class Prepare>
void launch_parts(Launcher& launcher, const std::string& kernel, const std::vector<Part>& parts, int chunks,
                  int shared_floats, Prepare prepare) {
  for (size_t begin = 0; begin < parts.size(); begin += Arguments::kMost) {
    const size_t end = std::min<size_t>(parts.size(), begin + Arguments::kMost);
    Arguments arguments{};
    std::copy(parts.begin() + begin, parts.begin() + end, arguments.parts);
    arguments.chunks = {static_cast<int>(end - begin), parts[begin].begin};
    prepare(arguments);
    const int after = end < parts.size() ? parts[end].begin : chunks;
    launcher.launch(kernel, {after - parts[begin].begin, 1, launcher.threads(), shared_floats}, arguments);
  }
}

// What the gradients' divisor is, and whether they have overflowed: two numbers on the device.
Tensor weigh(const UpdateParts& parts, const std::vector<FlatWeight>& all, Launcher& launcher, int width) {
  std::vector<GradientPart> gradients;
  for (const FlatWeight& of : all) {
    if (of.gradient.defined()) gradients.push_back({numbers(of.gradient), static_cast<int>(of.gradient.numel()), 0});
  }
  const auto floats = torch::TensorOptions().device(all.front().weight.device());
  const int chunks = number_chunks(gradients, launcher, width), kSums = 2;
  const Tensor decision = torch::empty({2}, floats), partial = torch::empty({chunks, kSums}, floats);
  const int shared_floats = kernels::floats_to_add_up(kSums, launcher.threads(), 1);
  launch_parts<Gradients>(launcher, gradients_kernel(width), gradients, chunks, shared_floats, [&](Gradients& a) {
    a.totals = {numbers(partial), launcher.counters(), a.chunks.begin, chunks};
    a.decision = numbers(decision);
    a.now = memory<long long>(parts.guard.now());
    a.first_bad = memory<long long>(parts.guard.first_bad());
    a.clip = static_cast<float>(parts.clip.value_or(0));
    if (!parts.scale) return;
    const TensorMap scale = parts.scale->state();
    a.scale = numbers(scale.at("scale"));
    a.growth = memory<int>(scale.at("growth"));
  });
  return decision;
}

}  // namespace

bool flat_update_fits(const UpdateParts& parts) {
  const auto rule = parts.optimizer.rule();
  if (!rule || !parts.guard.first_bad().defined() || (parts.runs > 1 && (parts.clip || parts.scale))) return false;
  for (const auto& [name, weight] : parts.parameters) {
    if (!is_flat(weight) || (parts.runs > 1 && !weight.is_contiguous())) return false;
  }
  for (size_t i = 0; parts.ema && i < parts.ema->weights().size(); ++i) {
    const Tensor &weight = parts.ema->weights()[i], &average = parts.ema->averages()[i];
    if (!is_flat(weight) || !is_flat(average) || !kernels::lies_as(average, weight.strides())) return false;
  }
  Launcher* launcher = kernels::launcher(parts.guard.first_bad().device());
  const auto has = [&](int width) {
    return launcher->has(update_kernel(*rule, width)) &&
           (!(parts.clip || parts.scale) || launcher->has(gradients_kernel(width)));
  };
  return launcher && !parts.parameters.empty() && has(kVectorWidth) && has(1);
}

void flat_update(const UpdateParts& parts, const Tensor& learning_rate) {
  const torch::NoGradGuard no_grad;
  const StepRule rule = *parts.optimizer.rule();
  const std::vector<FlatWeight> all = flat_weights(parts, rule);
  if (all.empty()) return;
  Launcher& launcher = *kernels::launcher(learning_rate.device());
  const int width = vector_width(all);
  const bool has_gradients =
      std::any_of(all.begin(), all.end(), [](const FlatWeight& of) { return of.gradient.defined(); });
  const Tensor decision = has_gradients && (parts.clip || parts.scale) ? weigh(parts, all, launcher, width) : Tensor();

  std::vector<UpdatedPart> updated;
  for (const FlatWeight& of : all) {
    updated.push_back({numbers(of.gradient), numbers(of.weight), numbers(of.first), numbers(of.second),
                       numbers(of.average), static_cast<int>(of.weight.numel()), 0, of.decay, of.rate});
    if (of.gradient.defined()) of.weight.unsafeGetTensorImpl()->bump_version();
  }
  const int chunks = number_chunks(updated, launcher, width);
  launch_parts<Update>(launcher, update_kernel(rule, width), updated, chunks, 0, [&](Update& a) {
    a.learning_rate = numbers(learning_rate);
    a.divide = numbers(decision);
    a.overflowed = decision.defined() ? a.divide + 1 : nullptr;
    a.first_bad = memory<long long>(parts.guard.first_bad());
    a.runs = static_cast<int>(parts.runs);
    a.blocks = chunks;
    a.step = numbers(rule.step);
    a.arrived = launcher.counters();
    for (int moment = 0; moment < 2; ++moment) {
      a.betas[moment] = static_cast<float>(rule.betas[moment]);
      a.shares[moment] = static_cast<float>(1 - rule.betas[moment]);
      a.log_betas[moment] = static_cast<float>(std::log(rule.betas[moment]));
    }
    a.epsilon = static_cast<float>(rule.epsilon);
    a.average_share = parts.ema ? static_cast<float>(1 - parts.ema->decay()) : 0.0f;
    a.nesterov = rule.nesterov;
    a.decoupled = rule.decoupled;
  });
}

}  // namespace optdnn::training
