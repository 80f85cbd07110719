// Samples from NumPy's arrays: vectors N x D, or images N x C x H x W (N x H x W: one channel).
#include <algorithm>
#include <map>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/names.h"
#include "optdnn/base/text.h"
#include "optdnn/data/npy.h"
#include "optdnn/data/own_data.h"

namespace optdnn::data {

namespace fs = std::filesystem;
using base::concat;
using base::ConfigError;
using base::EnvironmentError;
using torch::Tensor;

std::string shape_text(const std::vector<int64_t>& shape) {
  std::vector<std::string> sizes;
  for (const int64_t size : shape) sizes.push_back(std::to_string(size));
  return base::join(sizes, " x ");
}

namespace {

const NpyArray& array_of(const std::map<std::string, NpyArray>& arrays, const std::string& name, const char* key,
                         const fs::path& path) {
  const auto found = arrays.find(name);
  if (found != arrays.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& item : read_arrays(path)) names.push_back(item.first);
  throw ConfigError(concat("dataset.", key, ": ", path.string(), " has no array '", name, "'"),
                    base::suggestion(name, names, "arrays"));
}

// Missing values have a place in NumPy too.
void check_finite(const Tensor& values, const std::string& place) {
  if (!values.is_floating_point()) return;
  const Tensor wrong = values.isfinite().logical_not();
  if (!wrong.any().item<bool>()) return;
  const Tensor first = wrong.nonzero()[0];
  std::vector<std::string> at;
  for (int64_t i = 0; i < first.numel(); ++i) at.push_back(std::to_string(first[i].item<int64_t>()));
  throw EnvironmentError(
      concat(place, "[", base::join(at, ", "), "] is not finite; ", wrong.sum().item<int64_t>(), " such values in all"),
      "leave those samples out, or fill them in");
}

Tensor inputs_from(const ArraysSpec& spec, const std::map<std::string, NpyArray>& arrays, const fs::path& path) {
  const NpyArray& array = array_of(arrays, spec.inputs, "inputs", path);
  const std::string place = concat(path.string(), ": ", spec.inputs);
  if (array.is_text()) throw EnvironmentError(place + " holds texts, and inputs are numbers");
  Tensor values = array.numbers;
  if (values.dim() == 3) values = values.unsqueeze(1);
  if (values.dim() > 0 && values.size(0) == 0) throw EnvironmentError(place + " holds no samples");
  const bool fits = (values.dim() == 2 || values.dim() == 4) && values.numel() > 0;
  if (!fits) {
    throw EnvironmentError(concat(place, " is ", shape_text(array.shape()), ", wanted N x D or N x C x H x W"));
  }
  if (values.dim() == 4 && values.size(1) > 4 && values.size(3) <= 4) {
    throw EnvironmentError(concat(place, " is ", shape_text(array.shape()), ", with its channels last"),
                           "x.transpose(0, 3, 1, 2) has them where they belong");
  }
  check_finite(values, place);
  return values;
}

bool holds_classes(const NpyArray& array) { return array.is_text() || !array.numbers.is_floating_point(); }

// Of integers or texts, numbered in their order.
std::vector<std::string> label_texts(const NpyArray& array) {
  if (array.is_text()) return array.texts;
  const Tensor values = array.numbers.to(torch::kInt64).contiguous();
  std::vector<std::string> texts(values.numel());
  for (int64_t i = 0; i < values.numel(); ++i) texts[i] = std::to_string(values.const_data_ptr<int64_t>()[i]);
  return texts;
}

std::vector<std::string> classes_in(const NpyArray& array, bool asked_for, const std::string& place) {
  std::vector<std::string> names = label_texts(array);
  const bool integers = !array.is_text();
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return integers ? std::stoll(a) < std::stoll(b) : a < b;
  });
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() < 2) throw EnvironmentError(place + " has one class");
  check_class_count(std::ssize(names), array.shape().front(), asked_for, place);
  return names;
}

Tensor numbered(const NpyArray& array, const std::vector<std::string>& classes, const std::string& place) {
  const std::vector<std::string> texts = label_texts(array);
  Tensor labels = places_of(texts, classes);
  if (const auto i = first_unknown(labels)) {
    throw EnvironmentError(
        concat(place, "[", *i, "] is the class '", texts[*i], "', which the training set does not have"));
  }
  return labels;
}

// Reads one file; the first says what is learnt and which classes there are.
SampleTensors samples_from(const ArraysSpec& spec, const fs::path& path, OwnData& data, bool first) {
  const auto arrays = read_arrays(path, {spec.inputs, spec.targets});
  const Tensor inputs = inputs_from(spec, arrays, path);
  NpyArray targets = array_of(arrays, spec.targets, "targets", path);
  const std::string place = concat(path.string(), ": ", spec.targets);
  if (targets.shape().empty() || targets.shape().front() != inputs.size(0)) {
    throw EnvironmentError(
        concat(place, " is ", shape_text(targets.shape()), ", and there are ", inputs.size(0), " inputs"));
  }
  if (first) {
    data.task = spec.own.task.value_or(holds_classes(targets) ? Task::classification : Task::regression);
    if (data.task == Task::classification && !holds_classes(targets)) {
      throw ConfigError(concat("dataset.task: ", place, " holds ", targets.type_text()),
                        "classes are integers or texts");
    }
  }
  if (data.task == Task::regression) {
    if (targets.is_text()) throw EnvironmentError(place + " holds texts, and a regression learns numbers");
    check_finite(targets.numbers, place);
    if (targets.numbers.dim() > 2)
      throw EnvironmentError(concat(place, " is ", shape_text(targets.shape()), ", wanted N or N x K"));
    return {inputs, targets.numbers.to(torch::kFloat64).reshape({inputs.size(0), -1})};
  }
  if (targets.shape().size() == 2 && targets.shape().back() == 1 && !targets.is_text())
    targets.numbers = targets.numbers.flatten();
  if (targets.shape().size() != 1) {
    throw EnvironmentError(concat(place, " is ", shape_text(targets.shape()), ", and classes are one number a sample"),
                           "y.argmax(1), if each row marks its class");
  }
  if (!holds_classes(targets))
    throw EnvironmentError(concat(place, " holds ", targets.type_text(), ", wanted classes"));
  if (first) data.classes = classes_in(targets, spec.own.task.has_value(), place);
  return {inputs, numbered(targets, data.classes, place)};
}

// Of the file, or of the folder's two files.
void add_hashes(const ArraysSpec& spec, const fs::path& path, std::vector<std::string>& hashes) {
  if (!fs::is_directory(path)) return hashes.push_back(base::sha256_of_file(path));
  for (const std::string& name : {spec.inputs, spec.targets})
    hashes.push_back(base::sha256_of_file(path / (name + ".npy")));
}

}  // namespace

OwnData read_own_data(const ArraysSpec& spec) {
  OwnData data;
  data.train = samples_from(spec, spec.train.path, data, true);
  add_hashes(spec, spec.train.path, data.sha256);
  if (!spec.test) {
    divide_off_test(data, spec.own);
    return data;
  }
  data.test = samples_from(spec, spec.test->path, data, false);
  add_hashes(spec, spec.test->path, data.sha256);
  if (data.test.inputs.sizes().slice(1) != data.train.inputs.sizes().slice(1)) {
    throw EnvironmentError(concat(spec.test->path, ": ", spec.inputs, " has samples of ",
                                  shape_text(data.test.inputs.sizes().slice(1).vec()), ", those of training have ",
                                  shape_text(data.train.inputs.sizes().slice(1).vec())));
  }
  return data;
}

namespace {

// Where there is one for each sample.
Tensor targets_in(const ArraysSpec& spec, const std::map<std::string, NpyArray>& arrays, int64_t samples,
                  const Preparation& preparation) {
  const auto found = arrays.find(spec.targets);
  if (found == arrays.end()) return {};
  const NpyArray& targets = found->second;
  Tensor values;
  if (!preparation.classes.empty()) {
    if (holds_classes(targets)) values = places_of(label_texts(targets), preparation.classes);
  } else if (!targets.is_text() && targets.numbers.dim() > 0) {
    values = targets.numbers.to(torch::kFloat64).reshape({targets.numbers.size(0), -1});
  }
  return values.defined() && values.size(0) == samples ? values : Tensor();
}

}  // namespace

SampleTensors read_own_samples(const ArraysSpec& spec, const fs::path& path, const Preparation& preparation) {
  const auto arrays = read_arrays(path, {spec.inputs, spec.targets});
  const Tensor inputs = inputs_from(spec, arrays, path);
  const int64_t wanted = std::ssize(preparation.mean);
  if (wanted > 0 && inputs.size(1) != wanted) {
    throw base::EnvironmentError(concat(path.string(), ": '", spec.inputs, "' has the shape ",
                                        shape_text(inputs.sizes().vec()), ", and the run's samples have ", wanted,
                                        inputs.dim() > 2 ? " channels" : " numbers each"));
  }
  return {standardised(inputs, preparation.mean, preparation.deviation),
          targets_in(spec, arrays, inputs.size(0), preparation)};
}

}  // namespace optdnn::data
