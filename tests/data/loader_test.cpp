// The same batches for any number of threads, from any batch on.
#include "optdnn/data/loader.h"

#include <atomic>
#include <set>
#include <stdexcept>

#include "optdnn/base/errors.h"
#include "optdnn/data/catalogue.h"
#include "support/catch.h"

using namespace optdnn;
using namespace optdnn::data;

namespace {

GeneratedImagesSpec loaded_images() {
  GeneratedImagesSpec spec;
  spec.size_px = 8;
  spec.train_images = 103;
  spec.test_images = 20;
  spec.augment = {Augmentation::crop, Augmentation::flip, Augmentation::mixup};
  return spec;
}

std::vector<Batch> all_batches(EpochReader reader) {
  std::vector<Batch> batches;
  while (auto batch = reader.next()) batches.push_back(*batch);
  return batches;
}

// Samples are their own numbers; batch `broken` cannot be made.
class Numbers : public DataSet {
 public:
  explicit Numbers(int64_t size, bool fresh = false, int64_t broken = -1)
      : size_(size), fresh_(fresh), broken_(broken) {}
  DataShape shape() const override { return {{1}, 1, true}; }
  int64_t size(Split) const override { return size_; }
  bool fresh() const override { return fresh_; }
  Batch batch(Split, uint64_t, int64_t, const std::vector<int64_t>& indices) const override {
    ++made;
    if (!indices.empty() && indices.front() == broken_) throw std::runtime_error("sample cannot be read");
    return {torch::tensor(indices), torch::tensor(indices)};
  }
  mutable std::atomic<int> made = 0;

 private:
  int64_t size_;
  bool fresh_;
  int64_t broken_;
};

std::vector<int64_t> order(const Loader& loader, int64_t epoch, int64_t first = 0) {
  std::vector<int64_t> samples;
  for (const Batch& batch : all_batches(loader.epoch(epoch, first))) {
    const auto* numbers = batch.inputs.const_data_ptr<int64_t>();
    samples.insert(samples.end(), numbers, numbers + batch.inputs.numel());
  }
  return samples;
}

}  // namespace

TEST_CASE("batches are the same bits for any number of threads, from any batch of an epoch on") {
  const auto dataset = make_dataset(loaded_images(), "");
  const auto whole = all_batches(Loader(*dataset, {.batch_size = 10, .seeds = {5}}).epoch(3));
  REQUIRE(whole.size() == 11);
  REQUIRE(whole.back().inputs.size(0) == 3);
  for (const int threads : {0, 1, 4}) {
    const Loader loader(*dataset, {.batch_size = 10, .seeds = {5}, .threads = threads});
    for (const int64_t first : {0, 1, 7, 11}) {
      const auto rest = all_batches(loader.epoch(3, first));
      REQUIRE(rest.size() == whole.size() - first);
      for (size_t i = 0; i < rest.size(); ++i) {
        REQUIRE(rest[i].inputs.equal(whole[first + i].inputs));
        REQUIRE(rest[i].targets.equal(whole[first + i].targets));
      }
    }
  }
}

TEST_CASE("an epoch holds every sample once, in an order of its own for each seed and epoch") {
  const Numbers numbers(1000);
  const auto shuffled = order(Loader(numbers, {.batch_size = 64, .seeds = {1}}), 0);
  REQUIRE(std::set(shuffled.begin(), shuffled.end()).size() == 1000);
  REQUIRE(shuffled.size() == 1000);
  REQUIRE(shuffled != order(Loader(numbers, {.batch_size = 64, .seeds = {1}}), 1));
  REQUIRE(shuffled != order(Loader(numbers, {.batch_size = 64, .seeds = {2}}), 0));
  REQUIRE(shuffled == order(Loader(numbers, {.batch_size = 10, .seeds = {1}}), 0));
}

TEST_CASE("test samples and fresh samples keep their natural order") {
  std::vector<int64_t> natural(100);
  for (int64_t i = 0; i < 100; ++i) natural[i] = i;
  REQUIRE(order(Loader(Numbers(100, true), {.batch_size = 7}), 2) == natural);
  REQUIRE(order(Loader(Numbers(100), {.split = Split::test, .batch_size = 7}), 2) == natural);
  REQUIRE(order(Loader(Numbers(100), {.batch_size = 7}), 2) != natural);
}

TEST_CASE("drop_last leaves out the small batch, and an epoch without any batch is refused") {
  const Numbers numbers(100);
  REQUIRE(Loader(numbers, {.batch_size = 30}).batches_per_epoch() == 4);
  const Loader loader(numbers, {.batch_size = 30, .drop_last = true});
  REQUIRE(loader.batches_per_epoch() == 3);
  REQUIRE(loader.samples_per_epoch() == 90);
  REQUIRE(order(loader, 0).size() == 90);
  REQUIRE_THROWS_AS(Loader(numbers, {.batch_size = 101, .drop_last = true}), base::ConfigError);
}

TEST_CASE("workers run ahead only so far, and stop when the reader goes") {
  const Numbers numbers(100000);
  const Loader loader(numbers, {.batch_size = 1, .threads = 3});
  {
    EpochReader reader = loader.epoch(0);
    for (int i = 0; i < 5; ++i) REQUIRE(reader.next());
  }
  REQUIRE(numbers.made >= 5);
  REQUIRE(numbers.made <= 5 + 6);
}

TEST_CASE("an error of a worker reaches the caller at its own batch") {
  const Numbers numbers(100, true, 40);
  for (const int threads : {0, 2}) {
    EpochReader reader = Loader(numbers, {.batch_size = 10, .threads = threads}).epoch(0);
    for (int i = 0; i < 4; ++i) REQUIRE(reader.next());
    REQUIRE_THROWS_WITH(reader.next(), "sample cannot be read");
    REQUIRE(reader.next());
  }
}

TEST_CASE("parts of a batch are all of it, closed under its reversal, and alike in size") {
  for (int64_t size = 1; size < 80; ++size) {
    for (int64_t of = 1; of <= 9; ++of) {
      CAPTURE(size, of);
      std::set<int64_t> seen;
      size_t least = size, most = 0;
      for (int64_t number = 0; number < of; ++number) {
        const auto places = part_of_batch(size, {number, of});
        REQUIRE(std::is_sorted(places.begin(), places.end()));
        for (size_t i = 0; i < places.size(); ++i) {
          REQUIRE(seen.insert(places[i]).second);
          REQUIRE(places[places.size() - 1 - i] == size - 1 - places[i]);
        }
        least = std::min(least, places.size());
        most = std::max(most, places.size());
      }
      REQUIRE(std::ssize(seen) == size);
      REQUIRE(most - least <= 2);
    }
  }
}

TEST_CASE("each part of a loader has its share of a training batch, and of the others every n-th batch") {
  const auto dataset = data::make_dataset(loaded_images(), "", "cpu");
  const LoaderOptions train{Split::train, 16, {5}, 0, false};
  const Loader whole(*dataset, train);
  std::vector<EpochReader> parts;
  for (int64_t number = 0; number < 3; ++number) {
    LoaderOptions options = train;
    options.part = {number, 3};
    options.threads = static_cast<int>(number);
    parts.push_back(Loader(*dataset, options).epoch(2, 1));
  }
  auto batches = whole.epoch(2, 1);
  while (const auto batch = batches.next()) {
    const int64_t size = batch->targets.size(0);
    for (int64_t number = 0; number < 3; ++number) {
      const auto places = part_of_batch(size, {number, 3});
      const auto share = parts[number].next();
      REQUIRE(share->targets.size(0) == std::max<int64_t>(1, std::ssize(places)));  // one that does not count
      if (places.empty()) continue;
      REQUIRE(torch::equal(share->inputs, batch->inputs.index_select(0, torch::tensor(places))));
    }
  }
  for (EpochReader& part : parts) REQUIRE(!part.next());
  const LoaderOptions test{Split::test, 4, {5}, 0, false};
  auto of_all = Loader(*dataset, test).epoch(0);
  std::vector<EpochReader> in_turn;
  for (int64_t number = 0; number < 3; ++number) {
    LoaderOptions options = test;
    options.part = {number, 3};
    in_turn.push_back(Loader(*dataset, options).epoch(0));
  }
  for (int64_t k = 0; const auto batch = of_all.next(); ++k)
    REQUIRE(torch::equal(in_turn[k % 3].next()->inputs, batch->inputs));
  for (EpochReader& part : in_turn) REQUIRE(!part.next());
}
