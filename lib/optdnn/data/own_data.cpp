#include "optdnn/data/own_data.h"

#include <cmath>
#include <map>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/config/dump.h"
#include "optdnn/config/json.h"

namespace optdnn::data {

namespace fs = std::filesystem;
using base::concat;
using base::ConfigError;
using torch::Tensor;

namespace {

Found found_by(const OwnData& data) {
  const auto outputs = data.task == Task::classification ? std::ssize(data.classes) : data.train.targets.size(1);
  return {data.sha256, data.train.inputs.sizes().slice(1).vec(), outputs, data.task};
}

DataShape shape_of(const OwnData& data) {
  OwnFields fields;
  fields.found = found_by(data);
  return fields.shape();
}

// Of files that were looked at: a table's rows ask for the same ones.
template <class Spec>
const Found& looked_up(const Spec& spec) {
  static std::map<std::string, Found> seen;
  const std::string key = config::canonical_json(config::dump_fields(spec));
  const auto entry = seen.find(key);
  if (entry != seen.end()) return entry->second;
  return seen[key] = found_by(read_own_data(spec));
}

const std::string& data_place(const TableSpec& spec) { return spec.file.path; }
const std::string& data_place(const ArraysSpec& spec) { return spec.train.path; }

template <class Spec>
OwnData read_as_found(const Spec& spec) {
  OwnData data = read_own_data(spec);
  if (spec.own.found && spec.own.found->sha256 != data.sha256) {
    throw base::EnvironmentError(
        concat("the data in ", data_place(spec), " have changed: their SHA-256 is ", base::join(data.sha256, ", "),
               ", and it was ", base::join(spec.own.found->sha256, ", ")),
        "a run goes on with the data it began with; `train --fresh` begins anew");
  }
  return data;
}

// Errors: EnvironmentError naming the column where values are so large that its statistics are no numbers.
void check_finite(const char* what, const std::vector<double>& mean, const std::vector<double>& deviation,
                  const std::vector<std::string>& names) {
  for (size_t c = 0; c < mean.size(); ++c) {
    if (std::isfinite(mean[c]) && std::isfinite(deviation[c])) continue;
    throw base::EnvironmentError(
        concat("the ", what, "s' column ", c < names.size() ? concat("'", names[c], "'") : std::to_string(c),
               " has values so large that their deviation is no number"),
        "leave the column out, or replace what stands for a missing value");
  }
}

Preparation prepared(const OwnData& data, Standardise standardise) {
  Preparation preparation{data.columns, {}, {}, data.classes, {}, {}};
  if (standardise != Standardise::none) {
    add_statistics(data.train.inputs, preparation.mean, preparation.deviation);
  }
  if (standardise == Standardise::all && data.task == Task::regression) {
    add_statistics(data.train.targets, preparation.target_mean, preparation.target_deviation);
  }
  check_finite("input", preparation.mean, preparation.deviation, data.columns);
  check_finite("target", preparation.target_mean, preparation.target_deviation, {});
  return preparation;
}

}  // namespace

void check_class_count(int64_t classes, int64_t samples, bool asked_for, const std::string& place) {
  constexpr int64_t kFew = 20, kMany = 1000;
  if (classes <= (asked_for ? kMany : kFew) || 2 * classes <= samples) return;
  throw ConfigError(concat(place, " has ", base::with_thousands(classes), " classes in ", base::with_thousands(samples),
                           samples == 1 ? " sample" : " samples"),
                    asked_for ? "dataset.target names what is learnt; task: regression takes numbers"
                              : "task: regression takes integers as numbers, task: classification each as a class");
}

Tensor places_of(const std::vector<std::string>& names, const std::vector<std::string>& classes) {
  std::map<std::string, int64_t> number;
  for (const std::string& name : classes) number.emplace(name, std::ssize(number));
  Tensor places = torch::empty({std::ssize(names)}, torch::kInt64);
  for (int64_t i = 0; i < std::ssize(names); ++i) {
    const auto found = number.find(names[i]);
    places.data_ptr<int64_t>()[i] = found == number.end() ? -1 : found->second;
  }
  return places;
}

std::optional<int64_t> first_unknown(const Tensor& places) {
  const Tensor unknown = (places < 0).nonzero();
  return unknown.size(0) == 0 ? std::nullopt : std::optional(unknown[0].item<int64_t>());
}

void divide_off_test(OwnData& data, const OwnFields& own) {
  const int64_t all = data.train.size();
  const int64_t test = std::llround(own.test_fraction.value_or(0) * static_cast<double>(all));
  if (test < 1 || test >= all) {
    throw ConfigError(concat("dataset.test_fraction of ", all, " samples is ", test, ", and leaves ", all - test));
  }
  const bool classes = data.task == Task::classification;
  const Tensor labels = classes ? data.train.targets.contiguous() : torch::zeros({all}, torch::kInt64);
  const Division division = divide(std::span(labels.const_data_ptr<int64_t>(), all),
                                   classes ? std::ssize(data.classes) : 1, test, own.split_seed, "split");
  data.test = data.train.chosen(division.held_out);
  data.train = data.train.chosen(division.kept);
}

void TableSpec::look(const fs::path&) {
  if (!own.found) own.found = looked_up(*this);
}

void ArraysSpec::look(const fs::path&) {
  if (!own.found) own.found = looked_up(*this);
}

std::unique_ptr<DataSet> TableSpec::make(const Place&) const {
  OwnData data = read_as_found(*this);
  const DataShape shape = shape_of(data);
  Preparation preparation = prepared(data, own.standardise);
  return std::make_unique<SampleSet>(std::move(data.train), std::move(data.test), shape, std::move(preparation),
                                     validation);
}

std::unique_ptr<DataSet> ArraysSpec::make(const Place& place) const {
  OwnData data = read_as_found(*this);
  const DataShape shape = shape_of(data);
  const bool pictures = data.train.inputs.dim() == 4 && data.train.inputs.scalar_type() == torch::kUInt8;
  Preparation preparation = prepared(data, own.standardise);
  if (pictures && data.task == Task::classification) {
    ImageStatistics statistics{std::vector<double>(shape.input[0], 0.0), std::vector<double>(shape.input[0], 1.0)};
    for (size_t c = 0; c < preparation.mean.size(); ++c) {
      statistics.mean[c] = preparation.mean[c] / 255;
      statistics.std[c] = preparation.deviation[c] / 255;
    }
    return std::make_unique<ImageSet>(LabelledImages{data.train.inputs, data.train.targets},
                                      LabelledImages{data.test.inputs, data.test.targets}, shape.outputs, data.classes,
                                      statistics, *this, place.device, validation);
  }
  if (!augment.empty()) {
    throw ConfigError("dataset.augment is for pictures: an array N x C x H x W of uint8, and classes");
  }
  return std::make_unique<SampleSet>(std::move(data.train), std::move(data.test), shape, std::move(preparation),
                                     validation);
}

}  // namespace optdnn::data
