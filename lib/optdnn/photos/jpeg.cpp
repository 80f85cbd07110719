#include "optdnn/photos/jpeg.h"

#include <csetjmp>
#include <cstdio>  // jpeglib.h wants it

#include <jpeglib.h>

#include <algorithm>
#include <cstring>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::photos {

using base::concat;
using base::EnvironmentError;

namespace {

constexpr int kMaxScans = 500;      // a small progressive file may name millions
constexpr int64_t kNeighbours = 2;  // columns that the upsampling of the colours looks at beyond a box

}  // namespace

// libjpeg reports errors by a call that must not return: it jumps. Between a jump and its target no object is alive
// that has a destructor.
struct Jpeg::State {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape{};
  char message[JMSG_LENGTH_MAX]{};
  std::string place;

  static State& of(j_common_ptr info) { return *static_cast<State*>(info->client_data); }

  [[noreturn]] void fail(const char* what) const { throw EnvironmentError(concat(place, " is damaged: ", what)); }

  template <class Part>
  void guarded(Part part) {
    if (setjmp(escape)) fail(message);
    part();
  }
};

namespace {

// Pillow's, on inverted values: red = k - (255 - c) k / 255, rounded.
void convert_inverted_cmyk(Pixels& pixels) {
  for (size_t i = 0; i < pixels.bytes.size(); i += 4) {
    uint8_t* pixel = &pixels.bytes[i];
    const int light = pixel[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - pixel[c]) * light + 128;
      pixel[c] = static_cast<uint8_t>(std::clamp(light - (((product >> 8) + product) >> 8), 0, 255));
    }
  }
}

template <class State>
void install(State& state, std::string_view bytes) {
  jpeg_decompress_struct& info = state.info;
  info.err = jpeg_std_error(&state.errors);
  info.client_data = &state;
  state.errors.error_exit = [](j_common_ptr common) {
    State& its = State::of(common);
    common->err->format_message(common, its.message);
    std::longjmp(its.escape, 1);
  };
  state.errors.output_message = [](j_common_ptr) {};
  state.errors.emit_message = [](j_common_ptr, int) {};  // warnings: Pillow does not hear them either
  state.guarded([&] { jpeg_create_decompress(&info); });
  state.source.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
  state.source.bytes_in_buffer = bytes.size();
  state.source.init_source = [](j_decompress_ptr) {};
  state.source.term_source = [](j_decompress_ptr) {};
  state.source.resync_to_restart = jpeg_resync_to_restart;
  state.source.fill_input_buffer = [](j_decompress_ptr its) -> boolean {
    State& state_of = State::of(reinterpret_cast<j_common_ptr>(its));
    std::snprintf(state_of.message, sizeof state_of.message, "it is cut off");
    std::longjmp(state_of.escape, 1);
  };
  state.source.skip_input_data = [](j_decompress_ptr its, long count) {
    if (count <= 0) return;
    if (static_cast<size_t>(count) > its->src->bytes_in_buffer) its->src->fill_input_buffer(its);
    its->src->next_input_byte += count;
    its->src->bytes_in_buffer -= count;
  };
  info.src = &state.source;
  state.progress.progress_monitor = [](j_common_ptr common) {
    State& its = State::of(common);
    if (its.info.input_scan_number <= kMaxScans) return;
    std::snprintf(its.message, sizeof its.message, "it has more than %d scans", kMaxScans);
    std::longjmp(its.escape, 1);
  };
  info.progress = &state.progress;
}

}  // namespace

Jpeg::Jpeg(std::string_view bytes, const std::string& place) : state_(std::make_unique<State>()) {
  State& state = *state_;
  state.place = place;
  install(state, bytes);
  jpeg_decompress_struct& info = state.info;
  try {
    state.guarded([&] { jpeg_read_header(&info, TRUE); });
    const int64_t pixels = int64_t{info.image_width} * info.image_height;
    if (pixels > kMaxImagePixels) {
      throw EnvironmentError(concat(place, " is too large: ", info.image_width, " x ", info.image_height, " pixels"));
    }
    // A block of 8 x 8 takes a bit at least in a Huffman code, so memory stays in proportion to the file.
    if (!info.arith_code && pixels / 512 > std::ssize(bytes)) {
      throw EnvironmentError(concat(place, " is damaged: it declares ", info.image_width, " x ", info.image_height,
                                    " pixels in ", bytes.size(), " bytes"));
    }
    if (info.num_components != 1 && info.num_components != 3 && info.num_components != 4) {
      state.fail("it has neither one, three nor four components");
    }
    // The end of the image, FF D9, cannot stand inside its compressed data.
    const size_t end = bytes.rfind("\xff\xd9");
    if (end == std::string_view::npos || end < bytes.size() - state.source.bytes_in_buffer) state.fail("it is cut off");
  } catch (...) {
    jpeg_destroy_decompress(&info);
    throw;
  }
}

Jpeg::~Jpeg() { jpeg_destroy_decompress(&state_->info); }

int64_t Jpeg::width() const { return state_->info.image_width; }
int64_t Jpeg::height() const { return state_->info.image_height; }

Pixels Jpeg::read(const Rectangle& box, int reduction) {
  State& state = *state_;
  jpeg_decompress_struct& info = state.info;
  const bool cmyk = info.num_components == 4;
  info.out_color_space = cmyk ? JCS_CMYK : JCS_EXT_RGBX;
  info.scale_num = 1;
  info.scale_denom = reduction;
  Pixels pixels(box.width, box.height);
  std::vector<uint8_t> wide_row;
  JDIMENSION left = 0, columns = 0;
  state.guarded([&] {
    jpeg_start_decompress(&info);
    left = static_cast<JDIMENSION>(std::max<int64_t>(box.x - kNeighbours, 0));
    columns = static_cast<JDIMENSION>(std::min<int64_t>(box.x + box.width + kNeighbours, info.output_width)) - left;
    if (columns < info.output_width) jpeg_crop_scanline(&info, &left, &columns);
  });
  wide_row.resize(4 * static_cast<size_t>(info.output_width));
  state.guarded([&] {
    if (box.y > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(box.y));
    JSAMPROW row = wide_row.data();
    for (int64_t y = 0; y < box.height; ++y) {
      jpeg_read_scanlines(&info, &row, 1);
      std::memcpy(pixels.row(y), wide_row.data() + 4 * (box.x - left), 4 * static_cast<size_t>(box.width));
    }
    jpeg_abort_decompress(&info);
  });
  if (cmyk) convert_inverted_cmyk(pixels);
  return pixels;
}

}  // namespace optdnn::photos
