#include "optdnn/algorithms/lexer.h"

#include <charconv>
#include <cmath>

#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

size_t number_end(std::string_view text, size_t at) {
  const auto digits = [&] {
    while (at < text.size() && is_digit(text[at])) ++at;
  };
  digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    digits();
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    size_t exponent = at + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (exponent < text.size() && is_digit(text[exponent])) {
      at = exponent;
      digits();
    }
  }
  return at;
}

std::string unexpected(char c) {
  return static_cast<unsigned char>(c) < 0x80 && c >= 0x20 && c < 0x7f ? concat("unexpected character '", c, "'")
                                                                       : "unexpected character";
}

std::string hint_for(char c) {
  switch (c) {
    case '^':
      return "there are no powers; write a product, as theta*theta";
    case '{':
    case '}':
      return "group with parentheses ( )";
    default:
      return "a line is written as x[k+1] = x[k] + T(x[k])";
  }
}

}  // namespace

std::vector<Token> read_tokens(std::string_view text, const Report& report) {
  std::vector<Token> tokens;
  int open = 0;
  const auto add = [&](Token::Kind kind, size_t from, size_t to, double number = 0.0) {
    tokens.push_back({kind, {from, to - from}, text.substr(from, to - from), number});
  };
  for (size_t at = 0; at < text.size();) {
    const char c = text[at];
    const bool starts_number = is_digit(c) || (c == '.' && at + 1 < text.size() && is_digit(text[at + 1]));
    if (c == '\n' || c == ';') {
      if (open == 0 || c == ';') add(Token::Kind::line_end, at, at + 1);
      if (c == ';') open = 0;
      ++at;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
    } else if (c == '#') {
      while (at < text.size() && text[at] != '\n') ++at;
    } else if (is_letter(c)) {
      const size_t from = at;
      while (at < text.size() && (is_letter(text[at]) || is_digit(text[at]))) ++at;
      add(Token::Kind::name, from, at);
    } else if (starts_number) {
      const size_t from = at;
      at = number_end(text, at);
      double number = 0.0;
      const auto result = std::from_chars(text.data() + from, text.data() + at, number);
      const bool readable = result.ec == std::errc() && std::isfinite(number);
      if (!readable)
        report({from, at - from}, "this number cannot be represented", "numbers reach from 1e-307 to 1e308");
      add(readable ? Token::Kind::number : Token::Kind::bad, from, at, number);
    } else if (std::string_view("+-*/()[],=").find(c) != std::string_view::npos) {
      if (c == '(' || c == '[') ++open;
      if ((c == ')' || c == ']') && open > 0) --open;
      add(Token::Kind::symbol, at, at + 1);
      ++at;
    } else {
      report({at, 1}, unexpected(c), hint_for(c));
      add(Token::Kind::bad, at, at + 1);
      while (at < text.size() && (static_cast<unsigned char>(text[at]) >= 0x80 || text[at] == c)) ++at;
    }
  }
  add(Token::Kind::line_end, text.size(), text.size());
  add(Token::Kind::end, text.size(), text.size());
  return tokens;
}

}  // namespace optdnn::algorithms
