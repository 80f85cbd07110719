// Small files of the true layouts, made for the tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "optdnn/data/cifar.h"
#include "optdnn/data/idx.h"
#include "optdnn/fetch/process.h"

namespace optdnn::test {

// An empty folder of its own for each test, removed afterwards.
fetch::TemporaryFolder scratch(const std::string& name);

// CIFAR with `records` records in each of two training files and the test file, no hashes.
data::CifarLayout small_cifar(int64_t records, int label_bytes = 1);

// Record i has label(s) (7 i + j) mod classes and pixel p = (31 i + p) mod 251.
std::string cifar_bytes(const data::CifarLayout& layout, int64_t records, int64_t first = 0);
void write_cifar(const data::CifarLayout& layout, const std::filesystem::path& data_root);

// The set in the layout of MNIST with `train` and `test` images of 4 x 3, no hashes.
data::IdxLayout small_idx(int64_t train, int64_t test);
std::string idx_bytes(const std::vector<int64_t>& dimensions, int classes);

std::string gzip(const std::string& bytes);
std::string tar(const std::vector<std::pair<std::string, std::string>>& members);
// width x height pixels of RGB bytes
std::string png(const std::string& rgb, int64_t width, int64_t height);

}  // namespace optdnn::test
