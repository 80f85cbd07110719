// The loop as a whole: bits that must be equal, sums that must add up, and the ways it stops.
#include "optdnn/training/trainer.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <set>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/random.h"
#include "optdnn/training/checkpoint.h"
#include "optdnn/training/evaluate.h"
#include "optdnn/training/gradients.h"
#include "optdnn/training/optimizer.h"
#include "optdnn/training/spikes.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "training/small_nets.h"

namespace optdnn::training {
namespace {

using torch::Tensor;

// Keeps records in memory.
struct Keep : metrics::Sink {
  std::vector<metrics::Record> records;
  int64_t rewound_to = -2;
  std::optional<int64_t> rewind(int64_t iteration) override {
    rewound_to = iteration;
    return std::nullopt;
  }
  void write(const metrics::Record& record) override { records.push_back(record); }
};

std::string text_of(const std::filesystem::path& path) { return base::read_file(path, 1 << 24); }

// A clock that shows the number of times it was asked would differ after a resume; this one stands still.
void use(TrainJob& job, const TemporaryFolder& folder) {
  job.runs.front().checkpoints = folder / "checkpoints";
  job.seconds = [] { return 5.0; };
}

const Loss kPlain = make_loss(CrossEntropyLoss{});

}  // namespace

TEST_CASE("training lowers the loss and the error") {
  const SmallImages images;
  SmallJob small(images);
  const Evaluation before =
      evaluate({small.job.network, small.test_loader, kPlain, Precision::float32, torch::kCPU}).front();
  const TrainResult result = train_alone(small.job);
  REQUIRE(result.iterations == 21);
  REQUIRE(result.epochs == 3);
  REQUIRE(!result.stopped);
  REQUIRE(result.last.samples == 30);
  REQUIRE(result.last.loss < 0.8 * before.loss);
  REQUIRE(result.best <= *result.valid->error_pct);
}

TEST_CASE("the same job gives the same bits, with any number of loader threads") {
  const SmallImages images;
  for (const Net net : {Net::convolutions, Net::with_batch_norm}) {
    Tensor first;
    for (const int threads : {0, 0, 1, 4}) {
      SmallJob small(images, net, 16, threads);
      train_alone(small.job);
      const Tensor weights = flat_weights(small.job.network);
      if (!first.defined()) first = weights;
      REQUIRE(torch::equal(weights, first));
    }
    SmallJob other(images, net);
    other.job.network = make_net(net, 2);
    train_alone(other.job);
    REQUIRE(!torch::equal(flat_weights(other.job.network), first));
  }
}

TEST_CASE("a run stopped anywhere and continued ends with the bits of an unbroken one") {
  const SmallImages images;
  for (const Net net : {Net::with_batch_norm, Net::with_dropout}) {
    const auto configure = [](SmallJob& small) {
      AdamwSpec adamw;
      adamw.learning_rate = 0.01;
      small.job.optimizer = adamw;
      small.job.train.ema = EmaSpec{0.9};
      small.job.train.accumulate = 2;
      small.job.train.gradient_clip = 1.0;
      small.job.train.log_every = Duration{{}, 3, {}};
      small.job.train.keep_best = true;
    };
    const TemporaryFolder whole;
    SmallJob unbroken(images, net);
    configure(unbroken);
    use(unbroken.job, whole);
    const auto lines = metrics::make_json_lines_sink(whole / "metrics.jsonl");
    unbroken.run().sinks = {lines.get()};
    const TrainResult expected = train_alone(unbroken.job);
    REQUIRE(expected.iterations == 12);

    for (const std::vector<int64_t>& stops : {std::vector<int64_t>{4}, {1, 6, 7}, {0, 11}, {12}}) {
      CAPTURE(stops.front());
      const TemporaryFolder folder;
      TrainResult result;
      for (size_t part = 0; part <= stops.size(); ++part) {
        SmallJob small(images, net);  // everything new, other weights and random numbers, as in a new process
        small.job.network = make_net(net, 100 + part * (part > 0));
        if (part == 0) small.job.network = make_net(net);
        configure(small);
        use(small.job, folder);
        const auto part_lines = metrics::make_json_lines_sink(folder / "metrics.jsonl");
        small.run().sinks = {part_lines.get()};
        int64_t left = part < stops.size() ? stops[part] - (part > 0 ? stops[part - 1] : 0) : 1000;
        small.job.stop_requested = [&left] { return left-- == 0; };
        result = train_alone(small.job);
        REQUIRE(result.resumed_at == (part > 0 ? stops[part - 1] : 0));
        REQUIRE(result.stopped == (part < stops.size() && stops[part] < 12));
        if (part == stops.size())
          REQUIRE(torch::equal(flat_weights(small.job.network), flat_weights(unbroken.job.network)));
      }
      for (const char* file : {"checkpoints/state.safetensors", "checkpoints/last.safetensors",
                               "checkpoints/best.safetensors", "metrics.jsonl"}) {
        CAPTURE(file);
        const bool same = text_of(folder / file) == text_of(whole / file);  // bytes no terminal should see
        REQUIRE(same);
      }
      REQUIRE(result.best == expected.best);
      REQUIRE(result.best_iteration == expected.best_iteration);
      REQUIRE(result.last.loss == expected.last.loss);
    }
  }
}

TEST_CASE("two batches of 64 accumulated are one of 128") {
  const SmallImages images(300);  // the last iteration of an epoch has 44 samples
  SmallJob large(images, Net::convolutions, 128), halves(images, Net::convolutions, 64);
  halves.job.train.accumulate = 2;
  for (SmallJob* small : {&large, &halves}) {
    small->job.train.precision = Precision::float64;
    REQUIRE(train_alone(small->job).iterations == 9);
  }
  REQUIRE(torch::allclose(flat_weights(large.job.network), flat_weights(halves.job.network), 0, 1e-10));
}

TEST_CASE("clipping bounds the whole gradient") {
  const SmallImages images;
  SmallJob small(images, Net::convolutions, 100);
  SgdSpec sgd;
  sgd.learning_rate = 1;
  small.job.optimizer = sgd;
  small.job.schedule = ConstantSchedule{};
  small.job.train.length = Duration{{}, 1, {}};
  small.job.train.precision = Precision::float64;
  small.job.train.gradient_clip = 0.01;
  const Tensor before = flat_weights(small.job.network);
  train_alone(small.job);
  REQUIRE((flat_weights(small.job.network) - before).norm().item<double>() == Approx(0.01).epsilon(1e-6));

  SmallJob free(images, Net::convolutions, 100), loose(images, Net::convolutions, 100);
  loose.job.train.gradient_clip = 1e6;
  train_alone(free.job);
  train_alone(loose.job);
  REQUIRE(torch::equal(flat_weights(free.job.network), flat_weights(loose.job.network)));
}

TEST_CASE("a loss that is not finite stops before the weights are touched and names its batch") {
  SmallImages images;
  images.factor = std::numeric_limits<double>::quiet_NaN();
  images.factor_sample = 55;
  // Where the bad sample comes in the second epoch's order is found by looking; the first epoch is spared.
  struct Later : data::DataSet {
    const SmallImages& bad;
    SmallImages good;
    explicit Later(const SmallImages& images_) : bad(images_) {}
    data::DataShape shape() const override { return good.shape(); }
    int64_t size(data::Split split) const override { return good.size(split); }
    data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                      const std::vector<int64_t>& indices) const override {
      return (split == data::Split::train && epoch == 1 ? bad : good).batch(split, seed, epoch, indices);
    }
  } later(images);

  const TemporaryFolder folder;
  SmallJob small(later, Net::convolutions);
  use(small.job, folder);
  small.job.train.save_every = Duration{{}, 1, {}};
  int64_t batch = 0;
  {
    auto reader = small.train_loader.epoch(1);
    for (int64_t n = 1; const auto made = reader.next(); ++n) {
      if (!made->inputs.isfinite().all().item<bool>()) batch = n;
    }
  }
  REQUIRE(batch > 0);
  try {
    train_alone(small.job);
    FAIL("went on");
  } catch (const base::DivergedError& error) {
    REQUIRE(std::string(error.what()) ==
            "the loss of iteration " + std::to_string(7 + batch) + " (epoch 2, batch " + std::to_string(batch) +
                ") is not finite; the weights are those after iteration " + std::to_string(6 + batch));
  }
  auto saved = make_net(Net::convolutions, 3);
  load_weights(*saved.ptr(), folder / "checkpoints/last.safetensors");
  REQUIRE(torch::equal(flat_weights(small.job.network), flat_weights(saved)));
}

TEST_CASE("a moving average is what is evaluated, and what is kept as best") {
  const SmallImages images;
  const TemporaryFolder folder;
  SmallJob small(images);
  use(small.job, folder);
  small.job.train.ema = EmaSpec{0.999};  // hardly moves
  small.job.train.keep_best = true;
  const Tensor start = flat_weights(small.job.network);
  train_alone(small.job);
  auto best = make_net(Net::convolutions, 3);
  load_weights(*best.ptr(), folder / "checkpoints/best.safetensors");
  const Tensor end = flat_weights(small.job.network);
  REQUIRE((flat_weights(best) - start).norm().item<double>() < 0.05 * (end - start).norm().item<double>());
}

TEST_CASE("raw weights are evaluated in the average's place, or beside it, as evaluate.weights says") {
  const SmallImages images;
  struct Seen {
    double test, raw;
    Tensor kept;
  };
  const auto seen = [&](EvaluatedWeights weights) {
    const TemporaryFolder folder;
    SmallJob small(images);
    Keep keep;
    use(small.job, folder);
    small.run().sinks = {&keep};
    small.job.train.ema = EmaSpec{0.9};
    small.job.evaluate.weights = weights;
    train_alone(small.job);
    const auto& last = keep.records.back();
    auto kept = make_net(Net::convolutions, 3);
    load_weights(*kept.ptr(), folder / "checkpoints/last.safetensors");
    return Seen{*last.number("test/loss"), last.number("test_raw/loss").value_or(-1.0), flat_weights(kept)};
  };
  const Seen ema = seen(EvaluatedWeights::ema), raw = seen(EvaluatedWeights::raw), both = seen(EvaluatedWeights::both);
  REQUIRE(ema.raw == -1.0);
  REQUIRE(raw.raw == -1.0);
  REQUIRE(ema.test != raw.test);
  REQUIRE(both.test == ema.test);
  REQUIRE(both.raw == raw.test);
  REQUIRE(torch::equal(both.kept, ema.kept));
  REQUIRE_FALSE(torch::equal(raw.kept, ema.kept));
}

TEST_CASE("the best weights are those of the best evaluation on the validation set, and without one there are none") {
  const SmallImages images;
  for (const bool with_validation : {true, false}) {
    const TemporaryFolder folder;
    SmallJob small(images);
    Keep keep;
    use(small.job, folder);
    small.run().sinks = {&keep};
    small.job.train.keep_best = true;
    small.job.evaluate.every = Duration{{}, 2, {}};
    if (!with_validation) small.job.valid_loader = nullptr;
    const TrainResult result = train_alone(small.job);
    REQUIRE(result.valid.has_value() == with_validation);
    REQUIRE(std::filesystem::exists(folder / "checkpoints/best.safetensors") == with_validation);
    REQUIRE(std::isnan(result.best) == !with_validation);
    double best = std::numeric_limits<double>::infinity();
    for (const metrics::Record& record : keep.records) {
      REQUIRE(record.number("valid/error_pct").has_value() == (with_validation && record.number("test/error_pct")));
      best = std::min(best, record.number("valid/error_pct").value_or(best));
    }
    if (with_validation) REQUIRE(result.best == best);
  }
}

TEST_CASE("a trial is trained and judged without a test set") {
  const SmallImages images;
  SmallJob small(images);
  Keep keep;
  small.run().sinks = {&keep};
  small.job.test_loader = nullptr;
  const TrainResult result = train_alone(small.job);
  REQUIRE(result.last.samples == 0);
  REQUIRE(result.valid->samples == 30);
  for (const metrics::Record& record : keep.records) REQUIRE_FALSE(record.number("test/loss"));
}

TEST_CASE("records come at log points and evaluations, observers see the latter") {
  const SmallImages images;
  SmallJob small(images);
  Keep keep;
  std::vector<int64_t> epochs;
  small.run().sinks = {&keep};
  small.job.train.length = Duration{{}, 10, {}};
  small.job.train.log_every = Duration{{}, 5, {}};
  small.run().observers.push_back([&](int64_t epoch, metrics::Record& record) {
    epochs.push_back(epoch);
    record.set("seen", 1.0);
  });
  double now = 100;
  small.job.seconds = [&] { return now++; };
  train_alone(small.job);
  REQUIRE(keep.rewound_to == -1);
  std::vector<std::pair<int64_t, bool>> points;
  for (const auto& record : keep.records) {
    points.emplace_back(record.iteration(), record.find("test/error_pct") && record.find("seen"));
    REQUIRE(record.number("train/loss"));
    REQUIRE(record.number("train/error_pct"));
    REQUIRE(record.number("train/learning_rate"));
    REQUIRE(record.seconds() > 0);
  }
  REQUIRE(points == std::vector<std::pair<int64_t, bool>>{{5, false}, {7, true}, {10, true}});
  REQUIRE(epochs == std::vector<int64_t>{1, 1});
  // The loss of an evaluation's record is that of all iterations since the evaluation before it.
  SmallJob quiet(images);
  Keep whole;
  quiet.run().sinks = {&whole};
  quiet.job.train.length = Duration{{}, 10, {}};
  quiet.job.train.log_every = Duration{{}, 1000, {}};
  train_alone(quiet.job);
  REQUIRE(*whole.records[0].number("train/loss") == Approx(*keep.records[1].number("train/loss")).epsilon(1e-12));
}

TEST_CASE("a finished run is evaluated again and otherwise left as it is") {
  const SmallImages images;
  const TemporaryFolder folder;
  SmallJob first(images);
  use(first.job, folder);
  const TrainResult expected = train_alone(first.job);
  SmallJob second(images);
  use(second.job, folder);
  const TrainResult result = train_alone(second.job);
  REQUIRE(result.resumed_at == 21);
  REQUIRE(result.iterations == 21);
  REQUIRE(result.last.loss == expected.last.loss);
  SmallJob anew(images);
  use(anew.job, folder);
  anew.job.resume = false;
  REQUIRE(train_alone(anew.job).resumed_at == 0);
}

TEST_CASE("a regression trains with every optimizer") {
  const SmallRegression sine;
  config::for_each_alternative<OptimizerSpec>([&](auto spec) {
    CAPTURE(spec.kName);
    if constexpr (requires { spec.momentum; }) {
      spec.learning_rate = 0.1;
      spec.momentum = 0.9;
    } else {
      spec.learning_rate = 0.02;
    }
    SmallJob small(sine, Net::vector);
    small.job.optimizer = spec;
    small.job.train.length = Duration{100, {}, {}};
    const TrainResult result = train_alone(small.job);
    REQUIRE(*result.last.mse < 0.05);
    REQUIRE(*result.last.sup_error >= std::sqrt(*result.last.mse));
    REQUIRE(!result.last.error_pct);
  });
}

TEST_CASE("precisions agree about as far as their digits reach") {
  const SmallImages images;
  const auto loss_in = [&](Precision precision) {
    SmallJob small(images, Net::with_batch_norm);
    small.job.train.precision = precision;
    small.job.train.length = Duration{1, {}, {}};
    const double loss = train_alone(small.job).last.loss;
    const auto type = precision == Precision::float64 ? torch::kFloat64 : torch::kFloat32;
    for (const Tensor& parameter : small.job.network.ptr()->parameters()) REQUIRE(parameter.scalar_type() == type);
    return loss;
  };
  const double exact = loss_in(Precision::float64);
  REQUIRE(loss_in(Precision::float32) == Approx(exact).epsilon(1e-4));
  REQUIRE(loss_in(Precision::bfloat16) == Approx(exact).epsilon(5e-2));
  REQUIRE(loss_in(Precision::bfloat16) != loss_in(Precision::float32));
  REQUIRE_THROWS_AS(loss_in(Precision::float16), base::ConfigError);
}

TEST_CASE("flip averaging is the mean of the outputs of an image and its mirror image") {
  const SmallImages images;
  SmallJob small(images);
  const Loss loss = make_loss(CrossEntropyLoss{});
  double expected = 0;
  auto reader = small.test_loader.epoch(0);
  while (const auto batch = reader.next()) {
    const torch::NoGradGuard no_grad;
    const Tensor outputs =
        (small.job.network.forward<Tensor>(batch->inputs) + small.job.network.forward<Tensor>(batch->inputs.flip(3))) /
        2;
    expected += loss.mean(outputs, batch->targets).item<double>() * static_cast<double>(batch->inputs.size(0)) / 30;
  }
  EvaluateSpec flipped;
  flipped.flip_average = true;
  REQUIRE(evaluate({small.job.network, small.test_loader, loss, Precision::float32, torch::kCPU, flipped})[0].loss ==
          Approx(expected).epsilon(1e-6));
}

namespace {

// Training batches by their number since the start; those listed have an image of NaN. Others than the first order's
// are asked for with large epochs (a rollback), and are sound.
struct BadBatches : data::DataSet {
  std::set<int64_t> bad;
  const Tensor number = torch::zeros({}, torch::kInt64);
  SmallImages images;
  data::DataShape shape() const override { return images.shape(); }
  int64_t size(data::Split split) const override { return images.size(split); }
  data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                    const std::vector<int64_t>& indices) const override {
    data::Batch made = images.batch(split, seed, 0, indices);
    if (split != data::Split::train || epoch > 1000) return made;
    const int64_t now = number.item<int64_t>();
    number.fill_(now + 1);
    if (bad.contains(now)) made.inputs[0].fill_(std::numeric_limits<float>::quiet_NaN());
    return made;
  }
};

}  // namespace

TEST_CASE("skipped updates leave weights, moments and statistics as they were, are counted, and are bounded") {
  for (const int64_t accumulate : {1, 2}) {
    BadBatches batches;
    batches.bad = {3, 9};
    const TemporaryFolder folder;
    SmallJob small(batches, Net::with_batch_norm);
    use(small.job, folder);
    small.job.train.length = Duration{{}, 6, {}};
    small.job.train.accumulate = accumulate;
    small.job.train.on_divergence.skip = 2;
    small.job.train.log_every = Duration{{}, 1, {}};
    small.job.schedule = ConstantSchedule{};
    Keep keep;
    small.run().sinks = {&keep};
    std::vector<Tensor> weights;
    small.job.stop_requested = [&] {
      weights.push_back(flat_weights(small.job.network).clone());
      return false;
    };
    const TrainResult result = train_alone(small.job);
    REQUIRE(result.iterations == 6);
    REQUIRE(result.skipped == (accumulate == 1 ? 1 : 2));
    REQUIRE(torch::equal(weights[3 / accumulate], weights[3 / accumulate + 1]));
    REQUIRE(!torch::equal(weights[0], weights[1]));
    REQUIRE(*keep.records.back().number("train/skipped") == static_cast<double>(result.skipped));
    REQUIRE(load_state(folder / "checkpoints")->skipped == result.skipped);
  }
  BadBatches batches;
  batches.bad = {1, 2, 4};
  SmallJob small(batches);
  small.job.train.on_divergence.skip = 2;
  REQUIRE_THROWS_AS(train_alone(small.job), base::DivergedError);
}

TEST_CASE("a rollback goes on from the last checkpoint with other batches, also from the start") {
  for (const int64_t bad : {1, 12}) {  // before the first checkpoint, and after the second
    BadBatches batches;
    batches.bad = {bad};
    const TemporaryFolder folder;
    SmallJob small(batches, Net::with_batch_norm);
    use(small.job, folder);
    small.job.train.length = Duration{{}, 14, {}};
    small.job.train.save_every = Duration{{}, 5, {}};
    small.job.train.on_divergence.rollback = 1;
    Keep keep;
    small.run().sinks = {&keep};
    const TrainResult result = train_alone(small.job);
    REQUIRE(result.iterations == 14);
    REQUIRE(result.rollbacks == 1);
    REQUIRE(keep.rewound_to == (bad == 1 ? 0 : 10));
    REQUIRE(std::isfinite(result.last.loss));
    REQUIRE(load_state(folder / "checkpoints")->rollbacks == 1);
  }
}

TEST_CASE("a rollback keeps the best weights of before, which are newer than its checkpoint") {
  struct Blank : BadBatches {  // after the rollback nothing can be learned
    data::Batch batch(data::Split split, uint64_t seed, int64_t epoch,
                      const std::vector<int64_t>& indices) const override {
      data::Batch made = BadBatches::batch(split, seed, epoch, indices);
      if (split == data::Split::train && epoch > 1000) made.inputs.zero_();
      return made;
    }
  };
  struct Errors : metrics::Sink {
    double lost = 100, kept = 100;  // the least before the rollback, and of what stands in the end
    std::vector<std::pair<int64_t, double>> all;
    std::optional<int64_t> rewind(int64_t iteration) override {
      for (const auto& [at, error] : all) lost = std::min(lost, error);
      std::erase_if(all, [&](const auto& entry) { return entry.first > iteration; });
      return std::nullopt;
    }
    void write(const metrics::Record& record) override {
      all.emplace_back(record.iteration(), record.number("valid/error_pct").value_or(100.0));
    }
  };
  Blank batches;
  batches.bad = {5};
  const TemporaryFolder folder;
  SmallJob small(batches);
  use(small.job, folder);
  Errors errors;
  small.run().sinks = {&errors};
  small.job.train.length = Duration{{}, 7, {}};
  small.job.train.save_every = Duration{{}, 3, {}};
  small.job.train.log_every = small.job.evaluate.every = Duration{{}, 1, {}};
  small.job.train.keep_best = true;
  small.job.train.on_divergence.rollback = 1;
  small.job.schedule = ConstantSchedule{};
  const TrainResult result = train_alone(small.job);
  for (const auto& [at, error] : errors.all) errors.kept = std::min(errors.kept, error);
  REQUIRE(result.rollbacks == 1);
  REQUIRE(errors.lost < errors.kept);
  REQUIRE(result.best == errors.lost);
}

TEST_CASE("an evaluation or a statistic that is not finite is a divergence, and no checkpoint") {
  const SmallImages images;
  const TemporaryFolder folder;
  SmallJob small(images, Net::with_batch_norm);
  use(small.job, folder);
  Keep keep;
  small.job.progress = {&keep};  // which then has nothing to show
  small.job.stop_requested = [&, iteration = 0]() mutable {
    if (iteration++ == 5) {
      const torch::NoGradGuard no_grad;
      for (Tensor buffer : small.job.network.ptr()->buffers()) {
        if (buffer.is_floating_point()) buffer.fill_(std::numeric_limits<float>::quiet_NaN());
      }
    }
    return false;
  };
  try {
    train_alone(small.job);
    FAIL("went on");
  } catch (const base::DivergedError& error) {
    REQUIRE(std::string(error.what()) ==
            "the validation loss after iteration 7 (epoch 1) is not finite; the checkpoint is "
            "that of before");
  }
  REQUIRE(!load_state(folder / "checkpoints"));
}

TEST_CASE("the test loss is plain, whatever is minimised") {
  const SmallImages images;
  SmallJob small(images);
  CrossEntropyLoss smooth;
  smooth.label_smoothing = 0.3;
  small.job.loss = smooth;
  const double reported = train_alone(small.job).last.loss;
  REQUIRE(reported ==
          evaluate({small.job.network, small.test_loader, kPlain, Precision::float32, torch::kCPU})[0].loss);
}

TEST_CASE("a loss that stands out is counted") {
  Spikes spikes(1);
  base::RandomStream random(1, "losses", 0, 0);
  for (int i = 0; i < 300; ++i) REQUIRE(!spikes.see(0, 1 + 0.1 * random.uniform()));
  REQUIRE(spikes.see(0, 5.0));
  REQUIRE(!spikes.see(0, 1.05));
  Spikes other(1);
  other.unpack(spikes.packed(0), 0);
  REQUIRE(other.see(0, 5.0));
  REQUIRE(other.count(0) == 2);
}

TEST_CASE("killed before any iteration, a run goes on to the bits of an unbroken one") {
  struct Killed {};
  struct Variant {
    const char* name;
    Net net;
    std::function<void(TrainJob&)> configure;
  };
  const auto adamw = [](TrainJob& job) {
    AdamwSpec spec;
    spec.learning_rate = 0.01;
    job.optimizer = spec;
  };
  const std::vector<Variant> variants = {
      {"SGD", Net::with_batch_norm, [](TrainJob&) {}},
      {"AdamW", Net::convolutions, adamw},
      {"dropout", Net::with_dropout, adamw},
      {"average", Net::with_batch_norm, [](TrainJob& job) { job.train.ema = EmaSpec{0.9}; }},
      {"accumulation", Net::convolutions, [](TrainJob& job) { job.train.accumulate = 3; }},
      {"clipping", Net::convolutions, [](TrainJob& job) { job.train.gradient_clip = 0.1; }},
      {"float64", Net::with_batch_norm, [](TrainJob& job) { job.train.precision = Precision::float64; }},
      {"bfloat16", Net::convolutions, [](TrainJob& job) { job.train.precision = Precision::bfloat16; }},
  };
  const SmallImages images(60);
  for (const Variant& variant : variants) {
    const auto train_in = [&](const TemporaryFolder& folder, int64_t kill_at, uint64_t seed) {
      SmallJob small(images, variant.net);
      small.job.network = make_net(variant.net, seed);
      variant.configure(small.job);
      use(small.job, folder);
      const auto lines = metrics::make_json_lines_sink(folder / "metrics.jsonl");
      small.run().sinks = {lines.get()};
      small.job.train.length = Duration{{}, 8, {}};
      small.job.train.log_every = Duration{{}, 1, {}};
      small.job.train.save_every = Duration{{}, 3, {}};
      small.job.train.keep_best = true;
      small.job.stop_requested = [&] { return kill_at-- == 0 ? throw Killed() : false; };
      train_alone(small.job);
    };
    const TemporaryFolder whole;
    train_in(whole, -1, 1);
    for (int64_t kill_at = 0; kill_at < 8; ++kill_at) {
      CAPTURE(variant.name, kill_at);
      const TemporaryFolder folder;
      REQUIRE_THROWS_AS(train_in(folder, kill_at, 1), Killed);
      train_in(folder, -1, kill_at < 3 ? 1 : 100);  // before the first checkpoint the run begins anew
      for (const char* file : {"checkpoints/state.safetensors", "checkpoints/last.safetensors",
                               "checkpoints/best.safetensors", "metrics.jsonl"}) {
        CAPTURE(file);
        const bool same = text_of(folder / file) == text_of(whole / file);
        REQUIRE(same);
      }
    }
  }
}

}  // namespace optdnn::training
