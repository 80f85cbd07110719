// What tests have found: the largest differences, by number type. Where OPTDNN_ERROR_TABLE names a file, they are
// written there as Markdown when the program ends.
#pragma once

#include <torch/torch.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "support/catch.h"

namespace optdnn::tests {

class ErrorTable {
 public:
  static ErrorTable& global() {
    static ErrorTable table;
    return table;
  }
  ErrorTable(const ErrorTable&) = delete;
  ErrorTable& operator=(const ErrorTable&) = delete;
  ~ErrorTable() {
    const char* path = std::getenv("OPTDNN_ERROR_TABLE");
    if (!path || largest_.empty()) return;
    std::ofstream file(path);
    file << kHead;
    for (const auto& [title, rows] : largest_) {
      file << "\n## " << title << "\n\n| | float64 | float32 | bfloat16 | float16 |\n| :-- | --: | --: | --: | --: |\n";
      for (const auto& [row, by_type] : rows) {
        file << "| " << row << " |";
        for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kBFloat16, torch::kFloat16}) {
          const auto found = by_type.find(type);
          file << (found == by_type.end() ? std::string("  |") : c10::str(" ", rounded(found->second), " |"));
        }
        file << "\n";
      }
    }
  }

  double note(const std::string& title, const std::string& row, torch::Dtype type, double error) {
    double& largest = largest_[title][row][type];
    if (!(error <= largest)) largest = error;  // not a number too
    return error;
  }
  // For the test that runs.
  double note(torch::Dtype type, double error) {
    return note("Kernels", Catch::getResultCapture().getCurrentTestName(), type, error);
  }

 private:
  ErrorTable() = default;
  static std::string rounded(double error) {
    char text[16];
    std::snprintf(text, sizeof text, "%.1e", error);
    return text;
  }
  static constexpr const char* kHead =
      "# Numbers of the kernels for a GPU, emulated\n\n"
      "What the tests of `test_mock` found on a make-believe device, which runs the text of the kernels on a CPU. "
      "Written by\n"
      "`OPTDNN_ERROR_TABLE=configs/results/emulation/report.md build/release/tests/test_mock`.\n\n"
      "Kernels: the largest difference from LibTorch's operators in double precision, relative to 1 + the number or to "
      "the\n"
      "largest of its tensor, by the type that is compared. A float32 gradient of 16-bit tensors has their rounding.\n"
      "Networks: the change of all weights by six iterations beside the CPU's in double precision, relative. In "
      "float16 the\n"
      "first updates are skipped where the loss is scaled too much; relu's kinks and iterations make much of "
      "roundings.\n";
  std::map<std::string, std::map<std::string, std::map<torch::Dtype, double>>> largest_;
};

}  // namespace optdnn::tests
