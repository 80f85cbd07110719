#include "optdnn/base/random.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace optdnn::base {

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = 0xD2511F53ull * counter[0];
    const uint64_t b = 0xCD9E8D57ull * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

namespace {

uint32_t low(uint64_t value) { return static_cast<uint32_t>(value); }
uint32_t high(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

// FNV-1a, so that a purpose's number never depends on the order of declarations.
uint64_t hash(std::string_view text) {
  uint64_t value = 0xcbf29ce484222325ull;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return value;
}

// Seed, purpose and epoch are mixed into the 64-bit key by one Philox block each; the sample and the number of the
// block within the stream are the counter.
std::array<uint32_t, 2> mixed_key(uint64_t seed, std::string_view purpose, uint64_t epoch) {
  const uint64_t name = hash(purpose);
  const auto mixed = philox({low(name), high(name), low(epoch), high(epoch)}, {low(seed), high(seed)});
  return {mixed[0], mixed[1]};
}

}  // namespace

RandomStream::RandomStream(std::array<uint32_t, 2> key, uint64_t sample)
    : key_(key), counter_{0, 0, low(sample), high(sample)} {}

RandomStream::RandomStream(uint64_t seed, std::string_view purpose, uint64_t epoch, uint64_t sample)
    : RandomStream(mixed_key(seed, purpose, epoch), sample) {}

StreamFamily::StreamFamily(uint64_t seed, std::string_view purpose, uint64_t epoch)
    : key_(mixed_key(seed, purpose, epoch)) {}

uint32_t RandomStream::next() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

uint64_t RandomStream::below(uint64_t bound) {
  const uint64_t rejected = (0 - bound) % bound;  // 2^64 mod bound: draws below it would favour small numbers
  for (;;) {
    const uint64_t value = (static_cast<uint64_t>(next()) << 32) | next();
    if (value >= rejected) return value % bound;
  }
}

double RandomStream::uniform() {
  const uint64_t bits = (static_cast<uint64_t>(next()) << 32) | next();
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

double RandomStream::uniform(double from, double to) { return from + (to - from) * uniform(); }

double RandomStream::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

void RandomStream::fill_uniform(std::span<float> values, float from, float to) {
  for (float& value : values) value = static_cast<float>(uniform(from, to));
}

void RandomStream::fill_normal(std::span<float> values) {
  for (float& value : values) value = static_cast<float>(normal());
}

std::vector<int64_t> permutation(int64_t count, RandomStream stream) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = count - 1; i > 0; --i) std::swap(order[i], order[stream.below(i + 1)]);
  return order;
}

}  // namespace optdnn::base
