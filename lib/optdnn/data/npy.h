// NumPy's array files.
//   .npy   "\x93NUMPY", version, the header's bytes (u16, from version 2 u32), a header
//          {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, the numbers
//   .npz   a zip archive of such files, <name>.npy
// Format: numpy.lib.format. Numbers and texts are taken; arrays of objects hold pickles and are never read. The header
// must say as many bytes as the file has before memory is taken.
#pragma once

#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace optdnn::data {

// Numbers, or the texts of an array of one dimension.
struct NpyArray {
  torch::Tensor numbers;  // bool, uint8, int8 to int64, float16 to float64; not defined for texts
  std::vector<std::string> texts;
  bool is_text() const { return !numbers.defined(); }
  std::vector<int64_t> shape() const;
  std::string type_text() const;  // "float32", "text"
};

// Errors: EnvironmentError naming `place` and what is wrong.
NpyArray parse_npy(std::string_view bytes, const std::string& place);
std::map<std::string, NpyArray> parse_npz(std::string_view bytes, const std::string& place,
                                          const std::vector<std::string>& only = {});

// The arrays of an .npz file, or of a folder of .npy files, by name; with `only` those of these names that are there.
// Errors: EnvironmentError, also for files of more than 16 GiB.
std::map<std::string, NpyArray> read_arrays(const std::filesystem::path& path,
                                            const std::vector<std::string>& only = {});

// The arrays of an .npz file, or the one of an .npy file, by the file's name.
std::map<std::string, NpyArray> read_array_file(const std::filesystem::path& path);

}  // namespace optdnn::data
