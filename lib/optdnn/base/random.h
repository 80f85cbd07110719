// Counter-based random streams: draw n of a stream is a function of (seed, purpose, epoch, sample, n) alone, so order
// and augmentation do not depend on threads, batch splits or what was drawn before.
// Generator: Philox4x32-10, Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace optdnn::base {

// One block of Philox4x32-10.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class RandomStream {
 public:
  // `purpose` names the use ("order", "crop", "init"); streams of different purposes are independent.
  RandomStream(uint64_t seed, std::string_view purpose, uint64_t epoch = 0, uint64_t sample = 0);

  uint32_t next();                 // 32 random bits
  uint64_t below(uint64_t bound);  // uniform on 0 ... bound-1; Requires bound > 0
  double uniform();                // uniform on [0, 1), 53 bits
  double uniform(double low, double high);
  double normal();  // standard normal (Box-Muller)
  bool coin() { return next() & 1u; }
  void fill_uniform(std::span<float> values, float low, float high);
  void fill_normal(std::span<float> values);

 private:
  friend class StreamFamily;
  RandomStream(std::array<uint32_t, 2> key, uint64_t sample);

  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_;
  std::array<uint32_t, 4> block_{};
  int used_ = 4;
};

// The streams of all samples of one epoch: sample(i) is RandomStream(seed, purpose, epoch, i), found faster.
class StreamFamily {
 public:
  StreamFamily(uint64_t seed, std::string_view purpose, uint64_t epoch = 0);
  RandomStream sample(uint64_t i) const { return RandomStream(key_, i); }

 private:
  std::array<uint32_t, 2> key_;
};

// A uniformly random order of 0 ... count-1 (Fisher-Yates).
std::vector<int64_t> permutation(int64_t count, RandomStream stream);

// Seeds LibTorch's own generators, which draw the initial weights. The only place that does; defined in device.cpp.
void seed_torch(uint64_t seed);

}  // namespace optdnn::base
