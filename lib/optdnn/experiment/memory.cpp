#include "optdnn/experiment/memory.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"
#include "optdnn/experiment/free_memory.h"
#include "optdnn/experiment/network.h"
#include "optdnn/training/precision.h"

namespace optdnn::experiment {

using base::concat;

namespace {

constexpr double kMib = 1 << 20;

// The most that was handed out at once.
class PeakBytes : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t alloc_size, size_t, size_t, c10::Device) override {
    now_ += alloc_size;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  double peak_mib() const { return static_cast<double>(peak_) / kMib; }

 private:
  int64_t now_ = 0, peak_ = 0;
};

double peak_mib_of(models::Network& network, const ExperimentSpec& spec, const std::vector<int64_t>& input,
                   int64_t batch, bool trains) {
  torch::nn::Module& module = *network.module.ptr();
  module.train(trains);
  std::vector<int64_t> sizes{batch};
  sizes.insert(sizes.end(), input.begin(), input.end());
  const auto peak = std::make_shared<PeakBytes>();
  {
    const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, peak);
    const torch::AutoGradMode grad(trains);
    // Not zeros, at which a solve may end at once.
    const torch::Tensor numbers = torch::arange(c10::multiply_integers(sizes), torch::kFloat32).sin().view(sizes);
    const torch::Tensor inputs =
        training::prepared(numbers, torch::kCPU, spec.train.precision, spec.train.channels_last);
    torch::Tensor outputs;
    {
      const training::Autocast autocast(spec.train.precision, torch::kCPU);
      outputs = network.forward(inputs);
    }
    if (trains) outputs.to(torch::kFloat32).square().mean().backward();
  }
  for (const auto& parameter : module.parameters()) parameter.mutable_grad().reset();
  return peak->peak_mib();
}

// The straight line through the peaks of two and four samples, at `batch`.
double peak_mib_at(models::Network& network, const ExperimentSpec& spec, const std::vector<int64_t>& input,
                   int64_t batch, bool trains) {
  const double two = peak_mib_of(network, spec, input, 2, trains), four = peak_mib_of(network, spec, input, 4, trains);
  return two + (four - two) / 2 * static_cast<double>(batch - 2);
}

double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / kMib;
}

int64_t moments_of(const training::OptimizerSpec& spec) {
  if (const auto* sgd = std::get_if<training::SgdSpec>(&spec)) return sgd->momentum > 0 ? 1 : 0;
  return 2;
}

}  // namespace

MemoryEstimate estimate_memory(const ExperimentSpec& spec, const data::DataSet& dataset, int64_t batch_size,
                               int64_t loader_threads, int64_t runs) {
  const data::DataShape shape = dataset.shape();
  const int64_t evaluated =
      std::min(spec.evaluate.batch_size, std::max(dataset.size(data::Split::test), dataset.size(data::Split::valid)));
  models::Network network = make_network(spec, network_shape(shape), spec.seeds.front());
  training::prepare_network(*network.module.ptr(), torch::kCPU, spec.train.precision, spec.train.channels_last);
  const double training = peak_mib_at(network, spec, shape.input, batch_size, true);
  const double evaluation = peak_mib_at(network, spec, shape.input, evaluated, false);
  double weights = 0, sample = sizeof(float);
  for (const auto& parameter : network.module.ptr()->parameters())
    weights += static_cast<double>(parameter.nbytes()) / kMib;
  for (const int64_t extent : shape.input) sample *= static_cast<double>(extent);
  const double batches = static_cast<double>((loader_threads + 2) * batch_size) * sample / kMib;
  const auto copies = static_cast<double>(moments_of(spec.optimizer) + (spec.train.ema ? 1 : 0));
  const double resident = resident_mib();

  MemoryEstimate memory;
  memory.peak_mib =
      resident + static_cast<double>(runs) * (copies * weights + std::max(training, evaluation) + batches);
  if (const auto left = free_memory_mib()) memory.limit_mib = *left + resident;
  return memory;
}

std::string memory_text(const MemoryEstimate& memory) {
  const auto mib = [](double value) { return concat(std::llround(value), " MiB"); };
  const std::string left = memory.limit_mib ? concat("; ", mib(*memory.limit_mib), " are left for it") : "";
  return concat("the run wants about ", mib(memory.peak_mib), " at its peak", left);
}

void check_memory(const MemoryEstimate& memory) {
  if (memory.fits()) return;
  throw base::EnvironmentError("not enough memory: " + memory_text(memory),
                               "a smaller batch_size (with train.accumulate for the same iterations), "
                               "train.recompute: true, a smaller evaluate.batch_size, width or depth");
}

}  // namespace optdnn::experiment
