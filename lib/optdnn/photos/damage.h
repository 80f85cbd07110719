// Which photographs of a data set cannot be decoded.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace optdnn::photos {

// The damaged images of both splits, each as a message; all are decoded whole, by `threads` threads.
struct Damage {
  int64_t images = 0;
  std::vector<std::string> messages;
  std::vector<std::string> left_out;  // what looks like an image and is none, a line for each reason
};
Damage find_damage(const std::vector<std::filesystem::path>& places, int threads);

}  // namespace optdnn::photos
