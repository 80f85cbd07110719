#include "optdnn/data/csv.h"

#include <algorithm>
#include <set>

#include "optdnn/base/errors.h"
#include "optdnn/base/file_kind.h"
#include "optdnn/base/files.h"
#include "optdnn/base/text.h"
#include "optdnn/config/characters.h"

namespace optdnn::data {

using base::concat;
using base::EnvironmentError;

namespace {

constexpr uint64_t kMaxBytes = uint64_t{512} << 20;
constexpr uint64_t kMaxCells = 1 << 25;  // 1 GiB as texts

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name, char separator)
      : text_(text), name_(name), separator_(separator) {}

  CsvFile read() {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    check_encoding();
    CsvFile file;
    file.name = name_;
    while (at_ < text_.size()) {
      const int64_t line = line_;
      std::vector<std::string> row = read_row();
      if (row.size() == 1 && row.front().empty()) continue;
      if (file.header.empty()) {
        file.header = std::move(row);
        check_header(file.header, line);
        continue;
      }
      if (row.size() != file.header.size()) {
        fail(line,
             concat("the row has ", row.size(), row.size() == 1 ? " cell" : " cells", ", and the line of names ",
                    file.header.size()),
             "a cell that holds the separator stands in quotes");
      }
      if (file.cells.size() + row.size() > kMaxCells) {
        throw EnvironmentError(concat(name_, " has more than ", base::with_thousands(kMaxCells), " cells"),
                               "dataset `arrays` takes larger sets, as an .npz file");
      }
      std::move(row.begin(), row.end(), std::back_inserter(file.cells));
      file.lines.push_back(line);
    }
    if (file.header.empty()) throw EnvironmentError(name_ + " is empty", "its first line names the columns");
    if (file.lines.empty()) throw EnvironmentError(name_ + " has a line of names and no rows");
    return file;
  }

 private:
  [[noreturn]] void fail(int64_t line, const std::string& what, const std::string& hint = "") const {
    throw EnvironmentError(concat(name_, ":", line, ": ", what), hint);
  }

  void check_encoding() const {
    if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF"))
      fail(1, "text in UTF-16", "iconv -f utf-16 -t utf-8 OLD.csv > NEW.csv");
    int64_t line = 1;
    for (size_t i = 0; i < text_.size();) {
      const size_t length = config::utf8_length(text_.substr(i, 4));
      if (length == 0) fail(line, "a byte that is not UTF-8", "iconv -f latin1 -t utf-8 OLD.csv > NEW.csv");
      line += text_[i] == '\n';
      i += length;
    }
  }

  void check_header(const std::vector<std::string>& header, int64_t line) const {
    std::set<std::string> seen;
    for (size_t i = 0; i < header.size(); ++i) {
      if (header[i].empty()) fail(line, concat("column ", i + 1, " has no name"), "the first line names every column");
      if (!seen.insert(header[i]).second) fail(line, concat("two columns have the name '", header[i], "'"));
    }
    for (const auto& [c, word] : {std::pair(';', "semicolon"), {'\t', "tab"}, {',', "comma"}}) {
      if (header.size() == 1 && header.front().find(c) != std::string::npos) {
        fail(line, "the line of names has one column", concat("dataset.separator: ", word));
      }
    }
  }

  // A row up to its line break, which is passed over.
  std::vector<std::string> read_row() {
    std::vector<std::string> row;
    for (;;) {
      row.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
      if (at_ < text_.size() && text_[at_] == separator_) {
        ++at_;
        continue;
      }
      if (at_ < text_.size() && text_[at_] == '\r') ++at_;
      if (at_ < text_.size() && text_[at_] == '\n') ++at_;
      ++line_;
      return row;
    }
  }

  bool ends_cell(char c) const { return c == separator_ || c == '\n' || c == '\r'; }

  std::string plain() {
    const size_t begin = at_;
    while (at_ < text_.size() && !ends_cell(text_[at_])) {
      if (text_[at_] == '\0') fail(line_, "a zero byte; this is no text");
      ++at_;
    }
    return base::trim(text_.substr(begin, at_ - begin));
  }

  std::string quoted() {
    const int64_t line = line_;
    std::string cell;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        cell += text_[at_];
        continue;
      }
      ++at_;
      if (at_ == text_.size() || ends_cell(text_[at_])) return cell;
      if (text_[at_] != '"') fail(line_, "text after a closing quote", "a quote within quotes is doubled");
      cell += '"';
    }
    fail(line, "the quote that opens here is never closed");
  }

  std::string_view text_;
  const std::string& name_;
  char separator_;
  size_t at_ = 0;
  int64_t line_ = 1;
};

}  // namespace

std::string CsvFile::place(int64_t row, int64_t column) const {
  return concat(name, ":", lines[row], ": column '", header[column], "'");
}

CsvFile parse_csv(std::string_view text, const std::string& name, char separator) {
  return CsvReader(text, name, separator).read();
}

CsvFile read_csv(const std::filesystem::path& path, char separator) {
  const std::string text = base::read_file(path, kMaxBytes);
  // A table may begin with the letters of some signature: "BMI,age". What is no text holds zeros or an XML tag.
  const bool is_text = text.find('\0') == std::string::npos && !text.starts_with('<') && !text.starts_with("version ");
  const base::FileKind* kind = is_text ? nullptr : base::file_kind(text);
  if (kind) throw EnvironmentError(concat(path.string(), " is ", kind->name), std::string(kind->cure));
  return parse_csv(text, path.string(), separator);
}

SeparatedFile read_separated(const std::filesystem::path& path) {
  for (const auto& [separator, word] : {std::pair(',', "comma"), {';', "semicolon"}, {'\t', "tab"}}) {
    try {
      CsvFile file = read_csv(path, separator);
      if (file.columns() > 1) return {std::move(file), word};
    } catch (const base::EnvironmentError&) {  // by another, perhaps
    }
  }
  return {read_csv(path), "comma"};
}

}  // namespace optdnn::data
