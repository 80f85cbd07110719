// Pictures of a folder, and of those below it, as inputs of a network that was trained on others.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include "optdnn/data/preparation.h"

namespace optdnn::data {

struct PictureFolder {
  torch::Tensor inputs_NCHW;
  std::vector<std::string> names;  // below the folder, in their order
};

// The middle of each, resized so that its shorter side is `resize_px`; of one channel the mean of the colours.
// `shape`: C x H x W, of one or three channels. Errors: EnvironmentError for a picture that is damaged, or a folder
// without any; ConfigError for another number of channels.
PictureFolder read_picture_folder(const std::filesystem::path& folder, const std::vector<int64_t>& shape,
                                  int64_t resize_px, const Preparation& preparation);

}  // namespace optdnn::data
