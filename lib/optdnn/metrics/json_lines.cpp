// metrics.jsonl: {"iteration": 391, "epoch": 1, "seconds": 30.5, "train/loss": NaN, ...}
#include <charconv>
#include <nlohmann/json.hpp>

#include "optdnn/base/json_text.h"
#include "optdnn/metrics/append_file.h"
#include "optdnn/metrics/sink.h"

namespace optdnn::metrics {

namespace {

std::string quoted(const std::string& text) { return base::json_line(nlohmann::json(text)); }

constexpr std::string_view kOpening = "{\"iteration\": ";

std::string json_line(const Record& record) {
  std::string line;
  for (const auto& [name, value] : record.entries()) {
    const double* number = std::get_if<double>(&value);
    line += line.empty() ? "{" : ", ";
    line += quoted(name) + ": " + (number ? json_number(*number) : quoted(std::get<std::string>(value)));
  }
  return line + "}\n";
}

// Whether a line is whole and its record no later than `last`. What a crash cut off is neither.
bool is_kept(std::string_view line, int64_t last) {
  if (!line.starts_with(kOpening) || !line.ends_with("}\n")) return false;
  int64_t iteration = 0;
  const auto result = std::from_chars(line.data() + kOpening.size(), line.data() + line.size(), iteration);
  return result.ec == std::errc() && iteration <= last;
}

class JsonLinesSink : public Sink {
 public:
  explicit JsonLinesSink(const std::filesystem::path& path) : file_(path) {}

  void rewind(int64_t iteration) override {
    const std::string content = file_.content();
    std::string kept;
    for (size_t begin = 0; begin < content.size();) {
      const size_t end = std::min(content.find('\n', begin), content.size() - 1) + 1;
      const std::string_view line = std::string_view(content).substr(begin, end - begin);
      if (is_kept(line, iteration)) kept += line;
      begin = end;
    }
    file_.replace(kept);
  }

  void write(const Record& record) override { file_.append(json_line(record)); }

 private:
  AppendFile file_;
};

}  // namespace

std::unique_ptr<Sink> make_json_lines_sink(const std::filesystem::path& path) {
  return std::make_unique<JsonLinesSink>(path);
}

}  // namespace optdnn::metrics
