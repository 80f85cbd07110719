// Mistakes in a text, with their places, printed the way a compiler prints them:
//
//   configs/table_3.yaml:17:26: error: unknown key 'momentun' in optimizer 'sgd'
//      17 |   optimizer: {name: sgd, momentun: 0.9}
//         |                          ^~~~~~~~
//      hint: did you mean 'momentum'? keys: name, learning_rate, momentum
//
// All mistakes are collected; nothing runs while there is one.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "optdnn/base/errors.h"

namespace optdnn::base {

// A named text, kept so that a message can show the line it speaks of.
struct SourceText {
  std::string name;  // as the user typed it
  std::string text;
  std::string_view line(int number) const;  // 1-based; empty beyond the end
};

// A stretch of one line of a source. Lines and columns count from 1, columns in bytes; line 0 means the whole file.
struct SourceSpan {
  std::shared_ptr<const SourceText> source;
  int line = 0;
  int column = 0;
  int length = 1;
  std::string text() const;  // "file:line:column", for messages inside other messages
};

enum class Severity { warning, error };

struct Diagnostic {
  SourceSpan span;
  Severity severity = Severity::error;
  std::string message;
  std::string hint;
};

class Diagnostics {
 public:
  // The same message at the same place, as from a default that many rows share, is kept once.
  void error(const SourceSpan& span, std::string message, std::string hint = "");
  void warning(const SourceSpan& span, std::string message, std::string hint = "");

  bool has_errors() const { return errors_ > 0; }
  int errors() const { return errors_; }
  const std::vector<Diagnostic>& all() const { return all_; }

  // Every diagnostic in order of file, line and column, each as shown above.
  std::string render() const;
  // "2 errors in 1 file; nothing was run"
  std::string summary() const;
  // Throws DiagnosedError with render() and summary() if there is an error.
  void throw_if_errors() const;

 private:
  void add(Diagnostic diagnostic);

  std::vector<Diagnostic> all_;
  std::set<std::tuple<std::string, int, int, std::string>> seen_;
  int errors_ = 0;
};

// Thrown by Diagnostics::throw_if_errors; its text is complete and is printed as it is.
struct DiagnosedError : ConfigError {
  using ConfigError::ConfigError;
};

}  // namespace optdnn::base
