// A batch of photographs as threads decode it: bytes, what is erased of them and how they are mixed. For a GPU the
// bytes lie in pinned memory, go up as they are, a quarter of the numbers they become, and the thread whose queue the
// GPU's is does the rest there; on a CPU each thread does it itself. The numbers are the same, of mixtures up to
// rounding.
#pragma once

#include <optional>
#include <vector>

#include "optdnn/data/photo_mix.h"
#include "optdnn/photos/pixels.h"

namespace optdnn::data {

class PhotoBatch {
 public:
  // Of `count` images of size_px x size_px, to become numbers on `device`.
  PhotoBatch(int64_t count, int64_t size_px, const torch::Device& device);

  // Image b of the batch. Requires: pixels of size_px x size_px.
  void put(int64_t b, const photos::Pixels& pixels, int64_t label);
  // Noise in the place of the numbers of a rectangle of image b, row by row.
  void erase(int64_t b, const photos::Rectangle& box, const std::vector<float>& noise);
  void mix(const Mixture& mixture, int64_t classes);

  // Shapes: inputs_BCHW, channels innermost in memory; targets_B, or targets_BK of a mixture.
  Batch finished() const;

 private:
  torch::Tensor normalised() const;

  torch::Device device_;
  int64_t size_px_, classes_ = 0;
  torch::Tensor pixels_BHWC_, labels_B_;  // uint8, int64
  std::vector<int64_t> erased_;           // places of numbers in the order of memory
  std::vector<float> noise_;              // what stands there
  std::optional<Mixture> mixture_;
};

// Mean and standard deviation of a channel of ImageNet, of pixels from 0 to 255.
const std::vector<double>& photo_mean();
const std::vector<double>& photo_deviation();

}  // namespace optdnn::data
