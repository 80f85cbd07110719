// Arguments of the kernel of batch.cuh. For C++ and CUDA alike.
#pragma once

namespace optdnn::kernels::gpu {

// What happens to one image, as data::AugmentParameters has it: rows top ... bottom-1 and columns left ... right-1 of
// both boxes are blank.
struct BatchSample {
  struct Box {
    int top, bottom, left, right;
  };
  int sample, shift_y, shift_x, flip;
  Box cut, erased;
};

enum BatchFill { kBlack, kMean, kReflect };  // of what lies outside of an image

struct BatchOfImages {
  const unsigned char* images;  // N x channels x height x width
  const long long* labels;      // N
  const BatchSample* samples;
  const float *black, *scale;  // of the channels
  float* inputs;               // count x height x width x channels
  long long* targets;          // count
  int count, channels, height, width, fill;
};

}  // namespace optdnn::kernels::gpu
