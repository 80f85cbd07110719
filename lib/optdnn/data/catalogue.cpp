#include "optdnn/data/catalogue.h"

namespace optdnn::data {

std::unique_ptr<DataSet> make_dataset(const DataSetSpec& spec, const std::filesystem::path& data_root,
                                      const std::string& device) {
  return std::visit([&](const auto& s) { return s.make({data_root, torch::Device(device)}); }, spec);
}

void look_at_files(DataSetSpec& spec, const std::filesystem::path& data_root) {
  std::visit(
      [&](auto& s) {
        if constexpr (requires { s.look(data_root); }) s.look(data_root);
      },
      spec);
}

std::string_view dataset_name(const DataSetSpec& spec) {
  return std::visit([](const auto& s) { return s.kName; }, spec);
}

DataShape dataset_shape(const DataSetSpec& spec) {
  return std::visit([](const auto& s) { return s.shape(); }, spec);
}

bool has_validation(const DataSetSpec& spec) {
  return std::visit([](const auto& s) { return s.validation.has_value(); }, spec);
}

int64_t batch_size(const DataSetSpec& spec) {
  return std::visit([](const auto& s) { return s.per_iteration(); }, spec);
}

bool drop_last(const DataSetSpec& spec) {
  return std::visit(
      [](const auto& s) {
        if constexpr (requires { s.drop_last; }) {
          return s.drop_last;
        } else {
          return false;
        }
      },
      spec);
}

std::vector<std::filesystem::path> own_files(const DataSetSpec& spec) {
  std::vector<std::filesystem::path> files;
  const auto add = [&](const FilePath& first, const std::optional<FilePath>& test) {
    files.emplace_back(first.path);
    if (test) files.emplace_back(test->path);
  };
  if (const auto* table = std::get_if<TableSpec>(&spec)) add(table->file, table->test);
  if (const auto* arrays = std::get_if<ArraysSpec>(&spec)) add(arrays->train, arrays->test);
  return files;
}

}  // namespace optdnn::data
