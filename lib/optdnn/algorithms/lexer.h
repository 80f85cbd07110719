// Equations -> tokens. Newlines inside parentheses and comments (# to the end of the line) are skipped.
#pragma once

#include <string_view>
#include <vector>

#include "optdnn/algorithms/syntax.h"

namespace optdnn::algorithms {

struct Token {
  enum class Kind { number, name, symbol, line_end, end };
  Kind kind = Kind::end;
  Place place;
  std::string_view text;
  double number = 0.0;
};

// Ends with a token of kind `end`. Errors: reported; the character is skipped.
std::vector<Token> read_tokens(std::string_view text, const Report& report);

}  // namespace optdnn::algorithms
