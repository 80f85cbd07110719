#include "optdnn/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "optdnn/base/errors.h"
#include "optdnn/base/random.h"
#include "optdnn/base/text.h"

namespace optdnn::data {

Loader::Loader(const DataSet& dataset, LoaderOptions options) : dataset_(dataset), options_(options) {
  if (dataset.on_gpu()) options_.threads = 0;
  if (batches_per_epoch() == 0) {
    throw base::ConfigError(base::concat("batch_size ", options.batch_size, " is more than the ",
                                         dataset.size(options.split), " samples of the data set"));
  }
}

int64_t Loader::batches_per_epoch() const {
  const int64_t samples = dataset_.size(options_.split), batch = options_.batch_size;
  return options_.drop_last ? samples / batch : (samples + batch - 1) / batch;
}

std::vector<int64_t> part_of_batch(int64_t size, Part part) {
  const int64_t pairs = (size + 1) / 2, begin = pairs * part.number / part.of,
                end = pairs * (part.number + 1) / part.of;
  std::vector<int64_t> places;
  for (int64_t i = begin; i < end; ++i) places.push_back(i);
  for (int64_t i = std::max(size - end, end); i < size - begin; ++i) places.push_back(i);
  return places;
}

int64_t Loader::samples_per_epoch() const {
  return std::min(dataset_.size(options_.split), batches_per_epoch() * options_.batch_size);
}

// Batch n lives in slot n mod capacity from when a worker begins it until next() takes it.
struct EpochReader::State {
  struct Slot {
    bool ready = false;
    Batch batch;
    std::exception_ptr error;
  };

  const DataSet& dataset;
  LoaderOptions options;
  int64_t epoch;
  int64_t samples;
  int64_t batches;
  std::vector<std::vector<int64_t>> orders{};  // one per seed; empty: natural

  std::mutex mutex{};
  std::condition_variable changed{};
  int64_t begun = 0;  // the next batch that a worker takes up
  int64_t taken = 0;  // the next batch that next() returns
  bool stopped = false;
  std::vector<Slot> slots{};
  std::vector<std::thread> workers{};

  Batch make(int64_t number) const {
    const torch::NoGradGuard no_grad;
    if (options.seeds.size() == 1) return make(number, 0);
    std::vector<Batch> made;
    for (size_t run = 0; run < (is_shared() ? 1 : options.seeds.size()); ++run) made.push_back(make(number, run));
    const auto all = [made, runs = std::ssize(options.seeds)] { return together(made, runs); };
    return made.front().rest ? Batch{{}, {}, all} : all();
  }

  // The runs' batches, or one that all see, along a leading run dimension.
  static Batch together(const std::vector<Batch>& made, int64_t runs) {
    std::vector<torch::Tensor> inputs, targets;
    for (const Batch& batch : made) {
      const Batch one = finished(batch);
      inputs.push_back(one.inputs);
      targets.push_back(one.targets);
    }
    const auto of_all = [&](const std::vector<torch::Tensor>& tensors) {
      std::vector<int64_t> sizes = tensors.front().sizes().vec();
      sizes.insert(sizes.begin(), runs);
      return tensors.size() > 1 ? torch::stack(tensors) : tensors.front().unsqueeze(0).expand(sizes);
    };
    return {of_all(inputs), of_all(targets)};
  }

  // Whether every run sees the same batches.
  bool is_shared() const {
    const auto another = [&](uint64_t seed) { return seed != options.seeds.front(); };
    return options.split != Split::train || std::none_of(options.seeds.begin(), options.seeds.end(), another);
  }

  Batch make(int64_t number, size_t run) const {
    const int64_t first = in_epoch(number) * options.batch_size, last = std::min(first + options.batch_size, samples);
    std::vector<int64_t> indices;
    indices.reserve(last - first);
    for (int64_t i = first; i < last; ++i) indices.push_back(orders.empty() ? i : orders[run][i]);
    return options.part.of == 1 || options.split != Split::train
               ? dataset.batch(options.split, options.seeds[run], epoch, indices)
               : share(run, indices);
  }

  // This part of a training batch. Where it is empty it is one sample, which does not count: so nobody has to deal with
  // empty batches.
  Batch share(size_t run, const std::vector<int64_t>& whole) const {
    std::vector<int64_t> own;
    for (const int64_t place : part_of_batch(std::ssize(whole), options.part)) own.push_back(whole[place]);
    if (own.empty()) own.push_back(whole.front());
    return dataset.part(options.seeds[run], epoch, own, whole.front());
  }

  // The batch that is number n of this part.
  int64_t in_epoch(int64_t n) const {
    return options.split == Split::train ? n : n * options.part.of + options.part.number;
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return stopped || begun < std::min(batches, taken + std::ssize(slots)); });
      if (stopped) return;
      const int64_t number = begun++;
      lock.unlock();
      Slot made{true, {}, {}};
      try {
        made.batch = make(number);
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      slots[number % std::ssize(slots)] = std::move(made);
      changed.notify_all();
    }
  }

  ~State() {
    {
      const std::lock_guard lock(mutex);
      stopped = true;
    }
    changed.notify_all();
    for (std::thread& worker : workers) worker.join();
  }
};

EpochReader::EpochReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
EpochReader::EpochReader(EpochReader&&) noexcept = default;
EpochReader::~EpochReader() = default;

// Those of this part.
int64_t Loader::own_batches() const {
  const Part& part = options_.part;
  const int64_t all = batches_per_epoch();
  return options_.split == Split::train ? all : (all - part.number + part.of - 1) / part.of;
}

EpochReader Loader::epoch(int64_t epoch, int64_t first_batch) const {
  std::unique_ptr<EpochReader::State> state(new EpochReader::State{.dataset = dataset_,
                                                                   .options = options_,
                                                                   .epoch = epoch,
                                                                   .samples = samples_per_epoch(),
                                                                   .batches = own_batches(),
                                                                   .begun = first_batch,
                                                                   .taken = first_batch});
  if (options_.split == Split::train && !dataset_.fresh()) {
    const int64_t size = dataset_.size(Split::train), repeats = dataset_.repeats();
    for (const uint64_t seed : options_.seeds) {
      const auto order = base::permutation(size, base::RandomStream(seed, "order", epoch));
      auto& repeated = state->orders.emplace_back();
      repeated.reserve(size);
      for (int64_t i = 0; i < size; ++i) repeated.push_back(order[i / repeats] + size * (i % repeats));
    }
  }
  // Choice: a batch ahead per worker and one more bound the memory.
  if (options_.threads > 0) state->slots.resize(static_cast<size_t>(options_.threads) + 1);
  for (int i = 0; i < options_.threads; ++i) state->workers.emplace_back([s = state.get()] { s->work(); });
  return EpochReader(std::move(state));
}

std::optional<Batch> EpochReader::next() {
  State& state = *state_;
  if (state.taken >= state.batches) return std::nullopt;
  if (state.slots.empty()) return finished(state.make(state.taken++));
  std::unique_lock lock(state.mutex);
  State::Slot& slot = state.slots[state.taken % std::ssize(state.slots)];
  state.changed.wait(lock, [&] { return slot.ready; });
  const State::Slot made = std::exchange(slot, {});
  ++state.taken;
  state.changed.notify_all();
  if (made.error) std::rethrow_exception(made.error);
  return finished(made.batch);
}

}  // namespace optdnn::data
