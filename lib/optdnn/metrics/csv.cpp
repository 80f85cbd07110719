// metrics.csv: RFC 4180. A name that appears late becomes a new last column, and the file is rewritten with it.
// Deviation: lines end in LF alone, which every reader takes and line tools expect.
#include <algorithm>
#include <charconv>

#include "optdnn/metrics/append_file.h"
#include "optdnn/metrics/sink.h"

namespace optdnn::metrics {

namespace {

using Row = std::vector<std::string>;

void append_row(std::string& text, const Row& row, size_t columns) {
  for (size_t i = 0; i < columns; ++i) {
    if (i > 0) text += ',';
    if (i >= row.size()) continue;
    if (row[i].find_first_of(",\"\r\n") == std::string::npos) {
      text += row[i];
      continue;
    }
    text += '"';
    for (const char c : row[i]) text += c == '"' ? "\"\"" : std::string(1, c);
    text += '"';
  }
  text += '\n';
}

// Whole rows only: what follows the last unquoted line end was cut off by a crash.
std::vector<Row> read_rows(std::string_view text) {
  std::vector<Row> rows;
  Row row{""};
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && text.substr(i + 1).starts_with('"')) {
      row.back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      row.emplace_back();
    } else if (!quoted && c == '\n') {
      rows.push_back(std::move(row));
      row = {""};
    } else {
      row.back() += c;
    }
  }
  return rows;
}

bool is_after(const Row& row, int64_t last) {
  int64_t iteration = 0;
  const std::string& text = row.front();
  return std::from_chars(text.data(), text.data() + text.size(), iteration).ec != std::errc() || iteration > last;
}

class CsvSink : public Sink {
 public:
  explicit CsvSink(const std::filesystem::path& path) : file_(path) {}

  std::optional<int64_t> rewind(int64_t iteration) override {
    std::vector<Row> rows = read_rows(file_.content());
    columns_.clear();
    if (!rows.empty()) {
      columns_ = std::move(rows.front());
      rows.erase(rows.begin());
    }
    std::erase_if(rows, [&](const Row& row) { return is_after(row, iteration); });
    // A last column without a value came with a record that is gone now.
    const auto is_empty = [](const Row& row, size_t column) { return row.size() <= column || row[column].empty(); };
    while (!columns_.empty() &&
           std::all_of(rows.begin(), rows.end(), [&](const Row& row) { return is_empty(row, columns_.size() - 1); })) {
      columns_.pop_back();
    }
    rewrite(rows);
    return std::ssize(rows);
  }

  void write(const Record& record) override {
    Row row(columns_.size());
    for (const auto& [name, value] : record.entries()) {
      const auto column = static_cast<size_t>(std::find(columns_.begin(), columns_.end(), name) - columns_.begin());
      if (column == columns_.size()) {
        columns_.push_back(name);
        row.emplace_back();
      }
      const double* number = std::get_if<double>(&value);
      row[column] = number ? json_number(*number) : std::get<std::string>(value);
    }
    if (columns_.size() > written_columns_) {
      std::vector<Row> rows = read_rows(file_.content());
      if (!rows.empty()) rows.erase(rows.begin());
      rewrite(rows);
    }
    std::string text;
    append_row(text, row, columns_.size());
    file_.append(text);
  }

 private:
  void rewrite(const std::vector<Row>& rows) {
    std::string text;
    if (!columns_.empty()) append_row(text, columns_, columns_.size());
    for (const Row& row : rows) append_row(text, row, columns_.size());
    file_.replace(text);
    written_columns_ = columns_.size();
  }

  AppendFile file_;
  Row columns_;
  size_t written_columns_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_csv_sink(const std::filesystem::path& path) { return std::make_unique<CsvSink>(path); }

}  // namespace optdnn::metrics
