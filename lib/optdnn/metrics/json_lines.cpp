// metrics.jsonl: {"iteration": 391, "epoch": 1, "seconds": 30.5, "train/loss": NaN, ...}
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "optdnn/base/json_text.h"
#include "optdnn/base/log.h"
#include "optdnn/base/text.h"
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

// The iteration of a line's record; nothing if the line is not whole.
std::optional<int64_t> iteration_of(std::string_view line) {
  if (!line.starts_with(kOpening) || !line.ends_with("}\n")) return std::nullopt;
  int64_t iteration = 0;
  const auto result = std::from_chars(line.data() + kOpening.size(), line.data() + line.size(), iteration);
  return result.ec == std::errc() ? std::optional(iteration) : std::nullopt;
}

class JsonLinesSink : public Sink {
 public:
  explicit JsonLinesSink(const std::filesystem::path& path) : file_(path) {}

  std::optional<int64_t> rewind(int64_t iteration) override {
    const std::string content = file_.content();
    std::string kept;
    int64_t damaged = 0, records = 0;
    for (size_t begin = 0; begin < content.size();) {
      const size_t end = std::min(content.find('\n', begin), content.size() - 1) + 1;
      const std::string_view line = std::string_view(content).substr(begin, end - begin);
      const auto of_line = iteration_of(line);
      if (of_line && *of_line <= iteration) {
        kept += line;
        ++records;
      }
      if (!of_line && end < content.size()) ++damaged;  // a last one was cut off by a crash
      begin = end;
    }
    if (damaged > 0 && iteration >= 0) {
      base::log_warning(base::concat(file_.path().string(), ": ", damaged, damaged == 1 ? " record is" : " records are",
                                     " damaged and left out"));
    }
    file_.replace(kept);
    return records;
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
