#include "optdnn/base/diagnostics.h"

#include <algorithm>
#include <set>

#include "optdnn/base/text.h"

namespace optdnn::base {

std::string_view SourceText::line(int number) const {
  if (number < 1) return {};
  size_t start = 0;
  for (int i = 1; i < number; ++i) {
    start = text.find('\n', start);
    if (start == std::string::npos) return {};
    ++start;
  }
  std::string_view line = std::string_view(text).substr(start, text.find('\n', start) - start);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string SourceSpan::text() const {
  const std::string name = source ? source->name : "";
  return line > 0 ? concat(name, ":", line, ":", column) : name;
}

void Diagnostics::add(Diagnostic diagnostic) {
  const SourceSpan& span = diagnostic.span;
  if (!seen_.insert({span.source ? span.source->name : "", span.line, span.column, diagnostic.message}).second) return;
  if (diagnostic.severity == Severity::error) ++errors_;
  all_.push_back(std::move(diagnostic));
}

void Diagnostics::error(const SourceSpan& span, std::string message, std::string hint) {
  add({span, Severity::error, std::move(message), std::move(hint)});
}

void Diagnostics::warning(const SourceSpan& span, std::string message, std::string hint) {
  add({span, Severity::warning, std::move(message), std::move(hint)});
}

namespace {

// Long lines are shown as a window around the caret; control characters would disturb the terminal.
constexpr int kShownColumns = 160;

std::string render_excerpt(const SourceSpan& span) {
  if (span.line < 1 || !span.source) return "";
  std::string line(span.source->line(span.line));
  int column = std::clamp(span.column, 1, static_cast<int>(line.size()) + 1);
  if (static_cast<int>(line.size()) > kShownColumns) {
    const int from = std::clamp(column - kShownColumns / 2, 0, static_cast<int>(line.size()) - kShownColumns);
    line = line.substr(from, kShownColumns);
    column -= from;
  }
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  std::string number = std::to_string(span.line);
  number.insert(0, number.size() < 5 ? 5 - number.size() : 0, ' ');
  const int room = std::max(1, static_cast<int>(line.size()) - column + 1);
  const int underlined = std::clamp(span.length, 1, room);
  return concat(number, " | ", line, "\n", std::string(number.size(), ' '), " | ", std::string(column - 1, ' '), "^",
                std::string(underlined - 1, '~'), "\n");
}

std::string render_one(const Diagnostic& diagnostic) {
  const char* severity = diagnostic.severity == Severity::error ? "error: " : "warning: ";
  const std::string place = diagnostic.span.text();
  std::string text = concat(place, place.empty() ? "" : ": ", severity, diagnostic.message, "\n");
  text += render_excerpt(diagnostic.span);
  if (!diagnostic.hint.empty()) text += concat("   hint: ", diagnostic.hint, "\n");
  return text;
}

}  // namespace

std::string Diagnostics::render() const {
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& diagnostic : all_) sorted.push_back(&diagnostic);
  const auto key = [](const Diagnostic* d) {
    return std::make_tuple(d->span.source ? d->span.source->name : std::string(), d->span.line, d->span.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(), [&](auto* a, auto* b) { return key(a) < key(b); });
  std::string text;
  for (const Diagnostic* diagnostic : sorted) text += render_one(*diagnostic);
  return text;
}

std::string Diagnostics::summary() const {
  std::set<std::string> files;
  for (const Diagnostic& d : all_) {
    if (d.severity == Severity::error) files.insert(d.span.source ? d.span.source->name : "");
  }
  return concat(errors_, errors_ == 1 ? " error" : " errors", " in ", files.size(),
                files.size() == 1 ? " file" : " files", "; nothing was run");
}

void Diagnostics::throw_if_errors() const {
  if (has_errors()) throw DiagnosedError(render() + summary());
}

}  // namespace optdnn::base
