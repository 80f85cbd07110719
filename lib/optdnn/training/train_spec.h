// What the YAML keys `train` and `evaluate` hold.
#pragma once

#include <optional>
#include <string_view>

#include "optdnn/kernels/convolutions.h"
#include "optdnn/training/duration.h"
#include "optdnn/training/on_divergence.h"

namespace optdnn::training {

// float32 and float64: everything in that type. tf32: float32 whose products a GPU may round to 10 bits of mantissa
// (elsewhere float32). bfloat16 and float16: weights in float32, matrix products and
// convolutions in 16 bits (autocast); float16 scales the loss and needs a GPU.
enum class Precision { float32, float64, tf32, bfloat16, float16 };
const base::NameTable<Precision>& enum_names(Precision);

struct EmaSpec {
  static constexpr std::string_view kHelp = "an exponential moving average of the weights, used in evaluation";
  double decay = 0.999;
  template <class Fields>
  void fields(Fields& f) {
    f("decay", decay, config::at_least(0) & config::less_than(1), "share of the average kept in an iteration");
  }
};

struct TrainSpec {
  static constexpr std::string_view kHelp = "how long and how weights are trained";
  Duration length;
  Precision precision = Precision::float32;
  std::optional<double> gradient_clip;
  int64_t accumulate = 1;
  std::optional<EmaSpec> ema;
  bool deterministic = false;
  bool channels_last = true;
  kernels::Convolutions convolutions = kernels::Convolutions::fast;
  bool recompute = false;
  std::optional<Duration> log_every;
  std::optional<Duration> save_every;
  bool keep_best = false;
  OnDivergence on_divergence;

  template <class Fields>
  void fields(Fields& f) {
    f.required("length", length, "of the whole training, in epochs or iterations");
    f("precision", precision, "number type of the forward and backward pass");
    f("gradient_clip", gradient_clip, config::above(0), "largest norm of the whole gradient");
    f("accumulate", accumulate, config::between(1, 1e6), "batches that make one iteration");
    f("ema", ema, "moving average of the weights");
    f("deterministic", deterministic,
      "on a GPU: the same bits in every run, by slower kernels; a CPU gives them in any case");
    f("channels_last", channels_last, "images with their channels innermost, which is faster");
    f("convolutions", convolutions, "how 3x3 convolutions of stride 1 are done in float32 on the CPU");
    f("recompute", recompute,
      "keep only the arguments of the modules T and run them again in the backward pass: less memory, more time");
    f("log_every", log_every, "distance of log points; default: 25 iterations");
    f("save_every", save_every, "distance of checkpoints; default: 1 epoch");
    f("keep_best", keep_best, "also keep the weights of the best evaluation on the validation set, best.safetensors");
    f("on_divergence", on_divergence, "what a loss, gradient or weight that is not finite does");
  }
  void check(config::Checker& c) const;

  int64_t log_iterations(const Length& whole) const;
  int64_t save_iterations(const Length& whole) const;
};

// Of a run with a moving average: the average, the weights themselves, or both, which costs two evaluations.
enum class EvaluatedWeights { ema, raw, both };
const base::NameTable<EvaluatedWeights>& enum_names(EvaluatedWeights);

struct EvaluateSpec {
  static constexpr std::string_view kHelp =
      "how validation and test set are used; the last iteration is always followed by an evaluation";
  std::optional<Duration> every;
  int64_t batch_size = 512;
  bool flip_average = false;
  std::optional<bool> margins;
  EvaluatedWeights weights = EvaluatedWeights::ema;

  template <class Fields>
  void fields(Fields& f) {
    f("every", every, "distance of evaluations; default: 1 epoch");
    f("batch_size", batch_size, config::between(1, 1 << 20), "samples per forward pass");
    f("flip_average", flip_average, "images: mean output of the image and its mirror image");
    f("weights", weights, "with train.ema: the average, raw weights, or both: test/ is the average, test_raw/ raw");
    f("margins", margins, "classes: smallest margin and normalised margin; default: for vectors, not for images");
  }
  int64_t every_iterations(const Length& whole) const;
};

// Requires: spec.length in epochs or iterations (checked when it is read); batches_per_epoch > 0.
Length length_of(const TrainSpec& spec, int64_t batches_per_epoch);

}  // namespace optdnn::training
