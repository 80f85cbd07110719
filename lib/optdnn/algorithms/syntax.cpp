#include "optdnn/algorithms/syntax.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "optdnn/algorithms/lexer.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;

namespace {

struct LineError {};  // unwinds to the line's end; the mistake has been reported

class Parser {
 public:
  Parser(std::vector<Token> tokens, const Report& report) : tokens_(std::move(tokens)), report_(report) {}

  std::vector<Line> lines() {
    std::vector<Line> lines;
    while (peek().kind != Token::Kind::end) {
      if (peek().kind == Token::Kind::line_end) {
        ++at_;
        continue;
      }
      if (static_cast<int>(lines.size()) == kMaxLines) {
        report_(peek().place, concat("more than ", kMaxLines, " lines"), "a rule is a handful of lines");
        is_complete = false;
        break;
      }
      const Token& first = peek();
      try {
        if (!has_bad_token()) {
          lines.push_back(line());
          continue;
        }
      } catch (const LineError&) {
      }
      is_complete = false;
      if (first.kind == Token::Kind::name) unread.emplace_back(first.text);
      while (peek().kind != Token::Kind::line_end) ++at_;
      nesting_ = 0;
      variables_.clear();
    }
    return lines;
  }

  bool is_complete = true;
  std::vector<std::string> unread;

 private:
  // The mistake has been reported already; what else is wrong with the line may follow from it.
  bool has_bad_token() const {
    size_t at = at_;
    while (tokens_[at].kind != Token::Kind::line_end && tokens_[at].kind != Token::Kind::bad) ++at;
    return tokens_[at].kind == Token::Kind::bad;
  }

  const Token& peek() const { return tokens_[at_]; }
  bool sees(std::string_view symbol) const { return peek().kind == Token::Kind::symbol && peek().text == symbol; }
  bool accept(std::string_view symbol) {
    if (!sees(symbol)) return false;
    ++at_;
    return true;
  }
  [[noreturn]] void fail(Place place, std::string message, std::string hint = "") {
    report_(place, std::move(message), std::move(hint));
    throw LineError{};
  }
  std::string found() const {
    return peek().kind == Token::Kind::line_end ? "the line ends" : concat("there is '", peek().text, "'");
  }
  void expect(std::string_view symbol, std::string_view where) {
    if (!accept(symbol))
      fail(peek().place, concat("expected '", symbol, "' ", where, ", but ", found()),
           "a line is written as x[k+1] = x[k] + T(x[k])");
  }
  // Closes what `open` opened; between the two an operator may be missing.
  void expect_close(std::string_view symbol, Place open) {
    if (accept(symbol)) return;
    if (peek().kind == Token::Kind::line_end)
      fail(open, "this parenthesis is not closed", concat("a '", symbol, "' is missing"));
    fail(peek().place, concat("expected an operator or '", symbol, "', but ", found()), "a product is written with *");
  }
  // The signs before a factor: -1 if those that negate are odd in number.
  int read_signs() {
    int sign = 1;
    for (; sees("+") || sees("-"); ++at_) sign = sees("-") ? -sign : sign;
    return sign;
  }
  Place since(size_t offset) const {
    const Place& last = tokens_[at_ - 1].place;
    return {offset, last.offset + last.length - offset};
  }

  Line line() {
    Line line;
    const Token& first = peek();
    if (first.kind != Token::Kind::name) {
      fail(first.place, concat("a line starts with what it computes, but ", found()), "as in x[k+1] = x[k] + T(x[k])");
    }
    line.name = first.text;
    ++at_;
    if (line.name == "k" || line.name == "sum")
      fail(first.place, concat("'", line.name, "' is a word of the language, not a state"));
    if (std::isupper(static_cast<unsigned char>(line.name[0]))) {
      fail(first.place, concat("'", line.name, "' is capitalised, so it is a module and cannot be assigned"),
           "states are written in small letters");
    }
    if (!accept("[")) {
      fail(since(first.place.offset), concat("'", line.name, "' needs an index"),
           concat("write ", line.name, "[k+1] = ... for a state, ", line.name, "[k] = ... for an intermediate"));
    }
    const Index index = read_index();
    expect("]", "after the index");
    line.target = since(first.place.offset);
    if (!index.is(1, 0) && !index.is(1, 1)) {
      fail(index.place, concat("bad index: a line computes ", line.name, "[k+1] or ", line.name, "[k]"),
           "[k+1] updates a state, [k] names an intermediate of this step");
    }
    line.is_state = index.constant == 1;
    expect("=", "after the left-hand side");
    line.right = read_sum();
    if (peek().kind != Token::Kind::line_end) {
      fail(peek().place, concat("expected an operator or the end of the line, but ", found()),
           peek().kind == Token::Kind::name || sees("(") ? "a product is written with *" : "");
    }
    return line;
  }

  Index read_index() {
    Index index;
    const size_t from = peek().place.offset;
    do {
      const int sign = read_signs();
      const Token& token = peek();
      if (token.kind == Token::Kind::number) {
        if (token.number != std::floor(token.number) || token.number > kMaxIndex) {
          fail(token.place, concat("bad index: a whole number up to ", kMaxIndex, " is needed"), "as in x[k-1]");
        }
        index.constant += sign * static_cast<int>(token.number);
      } else if (token.kind == Token::Kind::name && token.text == "k") {
        index.of_k += sign;
      } else if (token.kind == Token::Kind::name) {
        add_variable(index, token, sign);
      } else {
        fail(token.place, concat("bad index: expected k, a sum's variable or a whole number, but ", found()),
             "as in x[k-1]");
      }
      ++at_;
      if (sees("*") || sees("/") || sees("."))
        fail(peek().place, "bad index: steps are counted, not multiplied",
             "an index is k, a sum's variable or a whole number, joined by + and -");
    } while (sees("+") || sees("-"));
    index.place = since(from);
    if (std::abs(index.constant) > kMaxIndex)
      fail(index.place, concat("bad index: it reaches further than ", kMaxIndex, " steps"), "as in x[k-1]");
    if (index.of_k < 0 || index.of_k > 1) fail(index.place, "bad index: k is added once at most", "as in x[k-1]");
    return index;
  }

  void add_variable(Index& index, const Token& token, int sign) {
    if (std::find(variables_.begin(), variables_.end(), token.text) == variables_.end()) {
      fail(token.place, concat("bad index: '", token.text, "' is neither k nor the variable of an enclosing sum"),
           "as in x[k-1], or sum(j, 0, k, x[j])");
    }
    for (auto& [name, factor] : index.variables) {
      if (name == token.text) fail(token.place, concat("bad index: '", name, "' stands in it twice"));
    }
    index.variables.emplace_back(token.text, sign);
  }

  // Every nested expression passes here, so the depth of the tree is bounded.
  Expression read_sum() {
    if (++nesting_ > kMaxNesting) fail(peek().place, concat("nested deeper than ", kMaxNesting, " levels"));
    const size_t from = peek().place.offset;
    Expression sum;
    sum.kind = Expression::Kind::add;
    do {
      const bool negative = read_signs() < 0;
      Expression term = read_product();
      if (negative) term = wrap(Expression::Kind::negate, std::move(term));
      sum.children.push_back(std::move(term));
    } while (sees("+") || sees("-"));
    --nesting_;
    if (sum.children.size() == 1) return std::move(sum.children.front());
    sum.place = since(from);
    return sum;
  }

  static Expression wrap(Expression::Kind kind, Expression child) {
    Expression node;
    node.kind = kind;
    node.place = child.place;
    node.children.push_back(std::move(child));
    return node;
  }

  Expression read_product() {
    const size_t from = peek().place.offset;
    Expression product = read_atom();
    for (int factors = 1; sees("*") || sees("/"); ++factors) {
      if (factors == kMaxFactors) fail(peek().place, concat("more than ", kMaxFactors, " factors"));
      Expression parent;
      parent.kind = sees("*") ? Expression::Kind::multiply : Expression::Kind::divide;
      ++at_;
      if (sees("*")) fail(peek().place, "there are no powers", "write a product, as theta*theta");
      const bool negative = read_signs() < 0;
      Expression factor = read_atom();
      if (negative) factor = wrap(Expression::Kind::negate, std::move(factor));
      parent.children.push_back(std::move(product));
      parent.children.push_back(std::move(factor));
      parent.place = since(from);
      product = std::move(parent);
    }
    return product;
  }

  Expression read_atom() {
    Expression node;
    const Token& token = peek();
    const Place token_place = token.place;
    const size_t from = token_place.offset;
    if (token.kind == Token::Kind::number) {
      node.number = token.number;
      ++at_;
    } else if (accept("(")) {
      node = read_sum();
      expect_close(")", token_place);
      if (node.kind == Expression::Kind::add) node.place = since(from);
      return node;
    } else if (token.kind == Token::Kind::name) {
      node.name = token.text;
      ++at_;
      if (node.name == "sum") {
        read_sum_over(node);
      } else if (std::isupper(static_cast<unsigned char>(node.name[0]))) {
        read_call(node, token);
      } else {
        node.kind = Expression::Kind::name;
        if (sees("("))
          fail(token.place, concat("unknown function '", node.name, "'"),
               "a module is capitalised, as T(x[k]); a product is written with *");
        if (sees("[")) read_indices(node);
      }
    } else {
      fail(token.place, concat("expected a number, a name or '(', but ", found()),
           "a line is written as x[k+1] = x[k] + T(x[k])");
    }
    node.place = since(from);
    return node;
  }

  void read_indices(Expression& node) {
    expect("[", "before the index");
    do node.indices.push_back(read_index());
    while (node.indices.size() < 4 && accept(","));
    expect("]", "after the index");
  }

  void read_call(Expression& node, const Token& token) {
    node.kind = Expression::Kind::call;
    if (sees("[")) {
      read_indices(node);
      if (node.indices.size() != 2 || !node.indices[0].is(1, 0)) {
        fail(since(token.place.offset), concat("a fresh module for each pair is written ", node.name, "[k,j](x[j])"),
             concat("the module of this step is ", node.name, "(x[k])"));
      }
    }
    if (!sees("("))
      fail(token.place, concat("module '", node.name, "' needs an argument"), concat("as in ", node.name, "(x[k])"));
    const Place open = peek().place;
    expect("(", "after the module");
    node.children.push_back(read_sum());
    expect_close(")", open);
  }

  void read_sum_over(Expression& node) {
    node.kind = Expression::Kind::sum;
    const std::string form = "a sum is written sum(j, 0, k, h[k+1,j]*T(x[j]))";
    if (!accept("(")) fail(peek().place, concat("expected '(' after 'sum', but ", found()), form);
    if (peek().kind != Token::Kind::name || peek().text == "k" || peek().text == "sum") {
      fail(peek().place, concat("expected the sum's variable, but ", found()), form);
    }
    node.name = peek().text;
    if (std::find(variables_.begin(), variables_.end(), node.name) != variables_.end()) {
      fail(peek().place, concat("'", node.name, "' is the variable of an enclosing sum already"));
    }
    if (static_cast<int>(variables_.size()) == kMaxSumNesting)
      fail(peek().place, concat("more than ", kMaxSumNesting, " sums inside each other"));
    const Place open = tokens_[at_ - 1].place;
    ++at_;
    expect(",", "after the sum's variable");
    node.indices.push_back(read_index());
    expect(",", "after the sum's lower bound");
    node.indices.push_back(read_index());
    expect(",", "after the sum's upper bound");
    variables_.push_back(node.name);
    node.children.push_back(read_sum());
    variables_.pop_back();
    expect_close(")", open);
  }

  std::vector<Token> tokens_;
  const Report& report_;
  size_t at_ = 0;
  int nesting_ = 0;
  std::vector<std::string> variables_;  // of the enclosing sums
};

}  // namespace

Equations parse_equations(std::string_view text, const Report& report) {
  Equations parsed;
  if (text.size() > kMaxTextBytes) {
    report({0, 1}, concat("the equations are longer than ", kMaxTextBytes, " bytes"), "a rule is a handful of lines");
    parsed.is_complete = false;
    return parsed;
  }
  parsed.text = text;
  Parser parser(read_tokens(parsed.text, report), report);
  parsed.lines = parser.lines();
  parsed.is_complete = parser.is_complete;
  parsed.unread = std::move(parser.unread);
  return parsed;
}

}  // namespace optdnn::algorithms
