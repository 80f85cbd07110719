// Equations -> tokens. Newlines inside parentheses and comments (# to the end of the line) are skipped.
#pragma once

#include <string_view>
#include <vector>

#include "optdnn/algorithms/syntax.h"

namespace optdnn::algorithms {

struct Token {
  enum class Kind { number, name, symbol, bad, line_end, end };
  Kind kind = Kind::end;
  Place place;
  std::string_view text;
  double number = 0.0;
};

// Ends with a line_end and an end. Errors: reported, and marked by a token of kind `bad`.
std::vector<Token> read_tokens(std::string_view text, const Report& report);

}  // namespace optdnn::algorithms
