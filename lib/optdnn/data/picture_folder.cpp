#include "optdnn/data/picture_folder.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
#include "optdnn/data/sample_set.h"
#include "optdnn/photos/image_names.h"
#include "optdnn/photos/left_out.h"
#include "optdnn/photos/photo_reader.h"

namespace optdnn::data {

namespace fs = std::filesystem;
using base::concat;

namespace {

constexpr uint64_t kMaxPictureBytes = uint64_t{256} << 20;

std::vector<fs::path> pictures_below(const fs::path& folder) {
  std::vector<fs::path> pictures;
  photos::LeftOut left_out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (photos::is_hidden(name) || !entry.is_regular_file()) continue;
    const photos::PictureKind kind = photos::picture_kind(name);
    if (kind == photos::PictureKind::read) pictures.push_back(entry.path());
    if (kind == photos::PictureKind::unread)
      left_out.add(photos::unread_reason(name), entry.path().lexically_relative(folder));
  }
  for (const std::string& line : left_out.lines()) base::log_warning(concat(folder.string(), ": ", line));
  std::sort(pictures.begin(), pictures.end());
  if (pictures.empty()) throw base::EnvironmentError(folder.string() + " holds no JPEG and no PNG picture");
  return pictures;
}

}  // namespace

PictureFolder read_picture_folder(const fs::path& folder, const std::vector<int64_t>& shape, int64_t resize_px,
                                  const Preparation& preparation) {
  const int64_t channels = shape[0], size = shape[1];
  if ((channels != 1 && channels != 3) || shape[1] != shape[2]) {
    throw base::ConfigError(concat("a picture has one or three channels and is cut square, and the network takes ",
                                   channels, " x ", shape[1], " x ", shape[2]));
  }
  const std::vector<fs::path> pictures = pictures_below(folder);
  PictureFolder read;
  torch::Tensor pixels_NHWC = torch::empty({std::ssize(pictures), size, size, 4}, torch::kUInt8);
  for (int64_t i = 0; i < std::ssize(pictures); ++i) {
    const std::string bytes = base::read_file(pictures[i], kMaxPictureBytes);
    photos::PhotoReader reader(bytes, pictures[i].string());
    const int64_t width = reader.width(), height = reader.height();
    const photos::CenterCrop crop = photos::center_crop(width, height, resize_px, size);
    const photos::Pixels pixels = reader.read({0, 0, width, height}, crop.width, crop.height, crop.window, false);
    std::copy(pixels.bytes.begin(), pixels.bytes.end(), pixels_NHWC[i].data_ptr<uint8_t>());
    read.names.push_back(pictures[i].lexically_relative(folder).string());
  }
  torch::Tensor values = pixels_NHWC.narrow(3, 0, 3).permute({0, 3, 1, 2});
  if (channels == 1) values = values.to(torch::kFloat32).mean(1, true);
  read.inputs_NCHW = standardised(values, preparation.mean, preparation.deviation).contiguous();
  return read;
}

}  // namespace optdnn::data
