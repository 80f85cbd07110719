// What a person sees while a run trains: a bar that is drawn over itself on a terminal,
//   apg2, seed 0 [=======>      ]  54%  train/loss 1.31  10.2 iterations/s  1:45 left
// and a line that stays for every evaluation:
//   apg2, seed 0  epoch 3  iteration 1,173/2,346  train/loss 1.2  test/loss 1.1  test/error_pct 39.5  10.2 iterations/s
//   1:55 left
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "optdnn/base/text.h"
#include "optdnn/metrics/sink.h"

namespace optdnn::metrics {

namespace {

std::string four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

// 75 -> "1:15", 4000 -> "1:06:40"
std::string clock_text(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  char text[48];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  }
  return text;
}

bool is_evaluation(const Record& record) {
  return std::any_of(record.entries().begin(), record.entries().end(),
                     [](const auto& entry) { return entry.first.starts_with("test/"); });
}

std::string results(const Record& record) {
  std::string text;
  for (const auto& [name, value] : record.entries()) {
    const double* number = std::get_if<double>(&value);
    if (number && (name == "train/loss" || name.starts_with("test/")))
      text += base::concat("  ", name, " ", four_digits(*number));
  }
  return text;
}

class TerminalSink : public Sink {
 public:
  TerminalSink(std::ostream& out, TerminalOptions options) : out_(out), options_(std::move(options)) {}
  ~TerminalSink() override {
    if (bar_is_open_) out_ << std::endl;
  }

  std::optional<int64_t> rewind(int64_t iteration) override {
    if (bar_is_open_) out_ << "\r\x1b[K";
    bar_is_open_ = false;
    first_iteration_ = std::max<int64_t>(iteration, 0);
    first_seconds_ = iteration < 0 ? std::optional(0.0) : std::nullopt;
    if (iteration > 0) {
      out_ << options_.label << "  continues after iteration " << base::with_thousands(iteration) << std::endl;
    }
    return std::nullopt;
  }

  void write(const Record& record) override {
    if (!first_seconds_) {  // a continued run's pace is known from its second record on
      first_seconds_ = record.seconds();
      first_iteration_ = record.iteration();
    }
    const bool stays = is_evaluation(record);
    if (!options_.is_terminal && !stays) return;
    const std::string text = stays ? line(record) : bar(record);
    if (bar_is_open_ || !stays) out_ << "\r\x1b[K";
    out_ << text << (stays ? "\n" : "") << std::flush;
    bar_is_open_ = !stays;
  }

 private:
  std::string line(const Record& record) const {
    return base::concat(options_.label, "  epoch ", json_number(std::round(record.epoch() * 100) / 100), "  iteration ",
                        base::with_thousands(record.iteration()), "/", base::with_thousands(options_.iterations),
                        results(record), pace(record));
  }

  std::string bar(const Record& record) const {
    const double done = options_.iterations > 0 ? static_cast<double>(record.iteration()) / options_.iterations : 0;
    char percent[16];
    std::snprintf(percent, sizeof percent, "] %3d%%", static_cast<int>(100 * done));
    const std::string head = options_.label + " [", tail = percent + results(record) + pace(record);
    const int cells = std::clamp(options_.width - static_cast<int>(head.size() + tail.size()) - 1, 3, 40);
    const int full = std::clamp(static_cast<int>(done * cells), 1, cells);
    const std::string text = head + std::string(full - 1, '=') + '>' + std::string(cells - full, ' ') + tail;
    return text.substr(0, std::max(options_.width - 1, 0));
  }

  std::string pace(const Record& record) const {
    const double seconds = (record.seconds() - *first_seconds_) * static_cast<double>(options_.runs);
    const auto iterations = static_cast<double>(record.iteration() - first_iteration_);
    if (!(seconds > 0) || iterations <= 0) return "";
    const double left = static_cast<double>(options_.iterations - record.iteration()) * seconds / iterations;
    const double of_all = options_.left_of_all ? options_.left_of_all(left) : left;
    return base::concat("  ", four_digits(iterations / seconds), " iterations/s",
                        left > 0 ? "  " + clock_text(left) + " left" : "",
                        of_all > left + 1 ? "  " + clock_text(of_all) + " of all" : "");
  }

  std::ostream& out_;
  TerminalOptions options_;
  int64_t first_iteration_ = 0;
  std::optional<double> first_seconds_;
  bool bar_is_open_ = false;
};

}  // namespace

std::unique_ptr<Sink> make_terminal_sink(std::ostream& out, TerminalOptions options) {
  return std::make_unique<TerminalSink>(out, std::move(options));
}

}  // namespace optdnn::metrics
