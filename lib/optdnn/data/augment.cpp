#include "optdnn/data/augment.h"

#include <algorithm>
#include <cmath>

#include "optdnn/data/upload.h"

namespace optdnn::data {

using base::RandomStream;
using torch::indexing::None;
using torch::indexing::Slice;

const base::NameTable<Augmentation>& enum_names(Augmentation) {
  static const base::NameTable<Augmentation> table(
      "augmentations", {{"crop", "a window out of the padded image", Augmentation::crop},
                        {"flip", "left and right swapped for every other image", Augmentation::flip},
                        {"cutout", "a square set to the mean", Augmentation::cutout},
                        {"erase", "sometimes a rectangle set to the mean", Augmentation::erase},
                        {"mixup", "a mixture with another image, targets alike", Augmentation::mixup}});
  return table;
}

const base::NameTable<CropFill>& enum_names(CropFill) {
  static const base::NameTable<CropFill> table("fills",
                                               {{"black", "zeros, as torchvision", CropFill::black},
                                                {"mean", "the mean, as zeros after normalisation", CropFill::mean},
                                                {"reflect", "the image mirrored at its edge", CropFill::reflect}});
  return table;
}

bool contains(const AugmentOptions& options, Augmentation augmentation) {
  return std::find(options.augment.begin(), options.augment.end(), augmentation) != options.augment.end();
}

namespace {

// The square may reach over the border, as in the paper.
Box cutout_box(int64_t side, int64_t height, int64_t width, RandomStream random) {
  const int64_t top = static_cast<int64_t>(random.below(height)) - side / 2;
  const int64_t left = static_cast<int64_t>(random.below(width)) - side / 2;
  return {std::max<int64_t>(top, 0), std::min(top + side, height), std::max<int64_t>(left, 0),
          std::min(left + side, width)};
}

// Choice: the aspect is uniform on a logarithmic scale; rectangles that do not fit are drawn again, ten times at most.
Box erased_box(double probability, int64_t height, int64_t width, RandomStream random) {
  if (random.uniform() >= probability) return {};
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = random.uniform(0.02, 0.33) * static_cast<double>(height * width);
    const double aspect = std::exp(random.uniform(std::log(0.3), std::log(3.3)));
    const int64_t rows = std::llround(std::sqrt(area * aspect));
    const int64_t columns = std::llround(std::sqrt(area / aspect));
    if (rows < 1 || columns < 1 || rows > height || columns > width) continue;
    const int64_t top = static_cast<int64_t>(random.below(height - rows + 1));
    const int64_t left = static_cast<int64_t>(random.below(width - columns + 1));
    return {top, top + rows, left, left + columns};
  }
  return {};
}

// The parameters of a batch as one small table, a column per number, moved to the device at once.
class ParameterTable {
 public:
  ParameterTable(const std::vector<int64_t>& samples, const std::vector<AugmentParameters>& parameters,
                 const torch::Device& device) {
    const auto rows = static_cast<int64_t>(samples.size());
    torch::Tensor table = torch::empty({rows, 12}, torch::kInt64);
    auto cell = table.accessor<int64_t, 2>();
    for (int64_t i = 0; i < rows; ++i) {
      const auto& [shift_y, shift_x, flip, cut, erased] = parameters[i];
      const int64_t row[] = {samples[i], shift_y,   shift_x,    flip,          cut.top,     cut.bottom,
                             cut.left,   cut.right, erased.top, erased.bottom, erased.left, erased.right};
      std::copy(std::begin(row), std::end(row), &cell[i][0]);
      crops_ |= shift_y != 0 || shift_x != 0;
      cuts_ |= cut.bottom > cut.top;
      erases_ |= erased.bottom > erased.top;
    }
    table_ = upload(table, device);
  }
  torch::Tensor column_B1(int64_t number) const { return table_.index({Slice(), Slice(number, number + 1)}); }
  bool crops() const { return crops_; }
  bool cuts() const { return cuts_; }
  bool erases() const { return erases_; }

 private:
  torch::Tensor table_;
  bool crops_ = false, cuts_ = false, erases_ = false;
};

torch::Tensor inside_B1HW(const torch::Tensor& inside_BH, const torch::Tensor& inside_BW) {
  return inside_BH.index({Slice(), None, Slice(), None}).logical_and(inside_BW.index({Slice(), None, None, Slice()}));
}

// Into 0 ... size-1 by mirroring at the first and the last pixel.
torch::Tensor mirrored(const torch::Tensor& from, int64_t size) {
  const torch::Tensor low = from.abs();
  return torch::where(low.ge(size), 2 * (size - 1) - low, low);
}

// Blanks the boxes whose four numbers start at a column of the table.
void blank(torch::Tensor& inputs_BCHW, const ParameterTable& table, int64_t column, const torch::Tensor& y_H,
           const torch::Tensor& x_W) {
  const auto rows_BH = y_H.ge(table.column_B1(column)).logical_and(y_H.lt(table.column_B1(column + 1)));
  const auto columns_BW = x_W.ge(table.column_B1(column + 2)).logical_and(x_W.lt(table.column_B1(column + 3)));
  inputs_BCHW.masked_fill_(inside_B1HW(rows_BH, columns_BW), 0.0);
}

}  // namespace

AugmentParameters draw_augmentation(const AugmentOptions& options, int64_t height, int64_t width, uint64_t seed,
                                    int64_t epoch, int64_t sample) {
  AugmentParameters drawn;
  const auto stream = [&](const char* purpose) { return RandomStream(seed, purpose, epoch, sample); };
  if (contains(options, Augmentation::crop)) {
    RandomStream random = stream("crop");
    const int64_t padding = options.crop_padding;
    drawn.shift_y = static_cast<int64_t>(random.below(2 * padding + 1)) - padding;
    drawn.shift_x = static_cast<int64_t>(random.below(2 * padding + 1)) - padding;
  }
  if (contains(options, Augmentation::flip)) drawn.flip = stream("flip").coin();
  if (contains(options, Augmentation::cutout)) {
    drawn.cut = cutout_box(options.cutout_size, height, width, stream("cutout"));
  }
  if (contains(options, Augmentation::erase)) {
    drawn.erased = erased_box(options.erase_probability, height, width, stream("erase"));
  }
  return drawn;
}

// Beta(alpha, alpha) by Joehnk's rejection (1964), which suits small alpha.
double draw_beta(double alpha, RandomStream& random) {
  for (;;) {
    const double x = std::pow(1.0 - random.uniform(), 1.0 / alpha);
    const double y = std::pow(1.0 - random.uniform(), 1.0 / alpha);
    if (x + y <= 1.0 && x + y > 0.0) return x / (x + y);
  }
}

MixupPartner draw_mixup(double alpha, int64_t samples, uint64_t seed, int64_t epoch, int64_t sample) {
  RandomStream random(seed, "mixup", epoch, sample);
  const auto partner = static_cast<int64_t>(random.below(samples));
  return {partner, draw_beta(alpha, random)};
}

torch::Tensor augmented(const torch::Tensor& images_NCHW, const std::vector<int64_t>& samples,
                        const std::vector<AugmentParameters>& parameters, const torch::Tensor& black_C,
                        const torch::Tensor& scale_C, CropFill fill) {
  const auto whole = images_NCHW.options().dtype(torch::kInt64);
  const auto per_channel = [](const torch::Tensor& values_C) { return values_C.view({-1, 1, 1}); };
  const auto normalised = [&](const torch::Tensor& pixels_BCHW) {
    return pixels_BCHW.to(torch::kFloat32).sub_(per_channel(black_C)).mul_(per_channel(scale_C));
  };
  if (parameters.empty()) {
    const torch::Tensor samples_B = upload(torch::tensor(samples, torch::kInt64), images_NCHW.device());
    return normalised(images_NCHW.index_select(0, samples_B));
  }

  const int64_t channels = images_NCHW.size(1), height = images_NCHW.size(2), width = images_NCHW.size(3);
  const ParameterTable table(samples, parameters, images_NCHW.device());
  const torch::Tensor y_H = torch::arange(height, whole), x_W = torch::arange(width, whole);
  const torch::Tensor mirrored_BW = torch::where(table.column_B1(3).ne(0), width - 1 - x_W, x_W);
  torch::Tensor from_y_BH = y_H + table.column_B1(1), from_x_BW = mirrored_BW + table.column_B1(2);
  const torch::Tensor in_image_B1HW = table.crops() ? inside_B1HW(from_y_BH.ge(0).logical_and(from_y_BH.lt(height)),
                                                                  from_x_BW.ge(0).logical_and(from_x_BW.lt(width)))
                                                    : torch::Tensor();
  if (fill == CropFill::reflect) {
    from_y_BH = mirrored(from_y_BH, height);
    from_x_BW = mirrored(from_x_BW, width);
  }
  from_y_BH = from_y_BH.clamp(0, height - 1);
  from_x_BW = from_x_BW.clamp(0, width - 1);

  // One gather picks the samples, shifts and mirrors.
  torch::Tensor pixels_BCHW =
      images_NCHW.index({table.column_B1(0).view({-1, 1, 1, 1}), torch::arange(channels, whole).view({1, -1, 1, 1}),
                         from_y_BH.view({-1, 1, height, 1}), from_x_BW.view({-1, 1, 1, width})});
  if (table.crops() && fill == CropFill::black) pixels_BCHW = pixels_BCHW * in_image_B1HW;
  torch::Tensor inputs_BCHW = normalised(pixels_BCHW);
  if (table.crops() && fill == CropFill::mean) inputs_BCHW.masked_fill_(in_image_B1HW.logical_not(), 0.0);
  if (table.cuts()) blank(inputs_BCHW, table, 4, y_H, x_W);
  if (table.erases()) blank(inputs_BCHW, table, 8, y_H, x_W);
  return inputs_BCHW;
}

}  // namespace optdnn::data
