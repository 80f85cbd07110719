// How a value in a file becomes an input of the network, and an output a value again: what predicting on other samples
// needs beside the weights. It is kept in their files, as the metadata `preparation`:
//   {"columns": ["age", "height"], "mean": [...], "deviation": [...], "classes": ["no", "yes"],
//    "target_mean": [...], "target_deviation": [...]}
//   input = (value - mean) / deviation, by column or channel; of pictures the value is a pixel, 0 to 255
//   value = output * target_deviation + target_mean, of a regression
// Empty lists are left out: nothing is done then.
#pragma once

#include <string>
#include <vector>

namespace optdnn::data {

struct Preparation {
  std::vector<std::string> columns;
  std::vector<double> mean, deviation;
  std::vector<std::string> classes;
  std::vector<double> target_mean, target_deviation;

  std::string json() const;
};

// Errors: EnvironmentError naming `place` if it is no such text.
Preparation read_preparation(const std::string& json, const std::string& place);

}  // namespace optdnn::data
