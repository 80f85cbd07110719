#include "optdnn/algorithms/call_text.h"

#include <algorithm>
#include <charconv>

#include "optdnn/algorithms/unroll.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;
using Kind = Expression::Kind;
using Role = Expression::Role;

namespace {

// A stretch of text, or an index to be written relative to the base.
struct Piece {
  std::string text;
  bool is_index = false;
  IndexValue index;
};

class Printer {
 public:
  Printer(const std::vector<Coefficient>& coefficients, Bindings& bindings)
      : coefficients_(coefficients), bindings_(bindings) {}

  void print(const Expression& node) {
    switch (node.kind) {
      case Kind::number:
        return put(base::number_text(node.number));
      case Kind::name:
        return print_name(node);
      case Kind::negate:
        put("-");
        return print_in_parentheses(node.children[0], is_sum(node.children[0]));
      case Kind::add:
        for (const Expression& child : node.children) print_term(child, &child != &node.children.front());
        return;
      case Kind::sum: {
        bool first = true;
        bindings_.for_each(node, [&] {
          print_term(node.children[0], !first);
          first = false;
        });
        if (first) put("0");
        return;
      }
      case Kind::call:
        put(node.name);
        if (!node.indices.empty()) print_indices(node.indices);
        put("(");
        print(node.children[0]);
        return put(")");
      default:
        print_in_parentheses(node.children[0], is_sum(node.children[0]));
        put(node.kind == Kind::multiply ? "*" : "/");
        const Expression& right = node.children[1];
        const bool product = right.kind == Kind::multiply || right.kind == Kind::divide;
        return print_in_parentheses(right, is_sum(right) || product || right.kind == Kind::negate);
    }
  }

  std::vector<Piece> pieces;

 private:
  static bool is_sum(const Expression& node) {
    return node.kind == Kind::add || node.kind == Kind::sum || node.kind == Kind::negate;
  }

  void put(std::string text) { pieces.push_back({std::move(text), false, {}}); }

  void print_term(const Expression& node, bool joined) {
    if (node.kind == Kind::negate && joined) {
      put(" - ");
      return print_in_parentheses(node.children[0], is_sum(node.children[0]));
    }
    if (joined) put(" + ");
    print(node);
  }

  void print_in_parentheses(const Expression& node, bool needed) {
    if (needed) put("(");
    print(node);
    if (needed) put(")");
  }

  void print_indices(const std::vector<Index>& indices) {
    put("[");
    for (size_t i = 0; i < indices.size(); ++i) {
      if (i > 0) put(",");
      pieces.push_back({"", true, bindings_.value(indices[i])});
    }
    put("]");
  }

  void print_name(const Expression& node) {
    if (node.role == Role::step) return pieces.push_back({"", true, {bindings_.k, false}});
    if (node.role == Role::variable) return put(std::to_string(bindings_.variable(node.name).value));
    put(node.name);
    if (node.role != Role::coefficient) return print_indices(node.indices);
    if (!coefficients_[node.entry].varies()) return;  // a constant ignores indices
    if (!node.indices.empty()) return print_indices(node.indices);
    put("[");
    pieces.push_back({"", true, {bindings_.k, false}});
    put("]");
  }

  const std::vector<Coefficient>& coefficients_;
  Bindings& bindings_;
};

}  // namespace

const Bindings::Variable& Bindings::variable(const std::string& name) const {
  return *std::find_if(variables.begin(), variables.end(), [&](const Variable& v) { return v.name == name; });
}

IndexValue Bindings::value(const Index& index) const {
  int value = index.constant + index.of_k * k;
  int slope = index.of_k;
  bool freely = false;
  for (const auto& [name, sign] : index.variables) {
    const Variable& bound = variable(name);
    value += sign * bound.value;
    if (bound.moves == Moves::with_k) slope += sign;
    freely |= bound.moves == Moves::freely;
  }
  if (!freely && slope != 0 && slope != 1)
    throw StepError{index.place, "bad index: it does not move by one with each step", "as in x[k-1], x[k-j] or x[j]"};
  return {value, slope == 0 && !freely};
}

Bindings::Moves Bindings::moves(const Expression& sum) const {
  const Index& low = sum.indices[0];
  const Index& high = sum.indices[1];
  if (low.of_k != high.of_k || !low.variables.empty() || !high.variables.empty()) return Moves::freely;
  return low.of_k == 1 ? Moves::with_k : Moves::no;
}

CallText call_text(const Expression& call, const std::vector<Coefficient>& coefficients, Bindings& bindings) {
  Printer printer(coefficients, bindings);
  printer.print(call.children[0]);
  CallText text;
  bool any = false, moving = false;
  for (const Piece& piece : printer.pieces) moving |= piece.is_index && !piece.index.is_absolute;
  for (const Piece& piece : printer.pieces) {
    if (!piece.is_index || piece.index.is_absolute == moving) continue;
    text.base = any ? std::max(text.base, piece.index.value) : piece.index.value;
    any = true;
  }
  text.is_absolute = any && !moving;
  if (!any) text.base = bindings.k;
  for (const Piece& piece : printer.pieces) {
    const bool relative = piece.is_index && piece.index.is_absolute != moving;
    text.argument += relative         ? concat("{", piece.index.value - text.base, "}")
                     : piece.is_index ? std::to_string(piece.index.value)
                                      : piece.text;
  }
  text.visits = static_cast<int>(printer.pieces.size());
  text.name = call.name;
  if (!call.indices.empty()) text.name += concat("[k,{", bindings.value(call.indices[1]).value - text.base, "}]");
  text.name += concat("(", text.argument, ")");
  return text;
}

std::string text_at(const std::string& name, int base, int k, bool zero_is_absolute) {
  const auto index_text = [&](int index) {
    if (zero_is_absolute && index == 0 && k > 0) return std::string("0");
    return index == k ? "k" : index > k ? concat("k+", index - k) : concat("k-", k - index);
  };
  std::string text;
  for (size_t at = 0; at < name.size();) {
    const size_t open = name.find('{', at);
    text.append(name, at, open - at);
    if (open == std::string::npos) break;
    const size_t close = name.find('}', open);
    int relative = 0;
    std::from_chars(name.data() + open + 1, name.data() + close, relative);
    text += index_text(base + relative);
    at = close + 1;
  }
  return text;
}

}  // namespace optdnn::algorithms
