// The equations as LaTeX: states carry their step above, coefficients their indices below.
#include <algorithm>
#include <array>
#include <cctype>

#include "optdnn/algorithms/certificate.h"
#include "optdnn/algorithms/syntax.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

using base::concat;
using Kind = Expression::Kind;
using Role = Expression::Role;

namespace {

std::string name_text(const std::string& name) {
  static const std::array<std::string_view, 22> greek = {
      "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu",
      "nu",    "xi",   "pi",    "rho",   "sigma",   "tau",  "phi", "chi",   "psi",   "omega",  "iota"};
  if (std::find(greek.begin(), greek.end(), name) != greek.end()) return "\\" + name;
  if (name.size() == 1) return name;
  std::string text = "\\mathrm{";
  for (const char c : name) text += c == '_' ? std::string("\\_") : std::string(1, c);
  return text + "}";
}

std::string index_text(const Index& index) {
  std::string text = index.of_k ? "k" : "";
  for (const auto& [name, sign] : index.variables)
    text += concat(sign < 0 ? "-" : text.empty() ? "" : "+", name_text(name));
  if (index.constant != 0 || text.empty())
    text += concat(index.constant < 0 || text.empty() ? "" : "+", index.constant);
  return text;
}

std::string indices_text(const std::vector<Index>& indices) {
  std::vector<std::string> texts;
  for (const Index& index : indices) texts.push_back(index_text(index));
  return base::join(texts, ",");
}

bool is_sum(const Expression& node) { return node.kind == Kind::add || node.kind == Kind::negate; }

class LatexPrinter {
 public:
  explicit LatexPrinter(const Rule& rule) : coefficients_(rule.coefficients()) {}

  std::string text_of(const Expression& node) const {
    switch (node.kind) {
      case Kind::number:
        return base::number_text(node.number);
      case Kind::name:
        return name_of(node);
      case Kind::call: {
        const std::string below = node.indices.empty() ? "" : concat("_{", indices_text(node.indices), "}");
        return concat(name_text(node.name), below, "\\left(", text_of(node.children[0]), "\\right)");
      }
      case Kind::sum:
        return concat("\\sum_{", name_text(node.name), "=", index_text(node.indices[0]), "}^{",
                      index_text(node.indices[1]), "} ", factor_text(node.children[0]));
      case Kind::negate:
        return concat("-", factor_text(node.children[0]));
      case Kind::divide:
        return concat("\\frac{", text_of(node.children[0]), "}{", text_of(node.children[1]), "}");
      case Kind::multiply: {
        const bool numbers = node.children[1].kind == Kind::number;
        return concat(factor_text(node.children[0]), numbers ? " \\cdot " : "\\, ", factor_text(node.children[1]));
      }
      case Kind::add:
        break;
    }
    std::string text;
    for (const Expression& child : node.children) {
      const bool negative = child.kind == Kind::negate;
      text += text.empty() ? (negative ? "-" : "") : negative ? " - " : " + ";
      text += negative ? factor_text(child.children[0]) : text_of(child);
    }
    return text;
  }

 private:
  std::string factor_text(const Expression& node) const {
    return is_sum(node) || node.kind == Kind::sum ? concat("\\left(", text_of(node), "\\right)") : text_of(node);
  }

  std::string name_of(const Expression& node) const {
    const std::string name = name_text(node.name);
    const bool state = node.role == Role::state || node.role == Role::intermediate;
    if (!node.indices.empty()) return concat(name, state ? "^{" : "_{", indices_text(node.indices), "}");
    return node.role == Role::coefficient && coefficients_[node.entry].varies() ? name + "_{k}" : name;
  }

  const std::vector<Coefficient>& coefficients_;
};

}  // namespace

std::string latex(const Rule& rule) {
  const LatexPrinter printer(rule);
  std::vector<std::string> lines;
  for (const Line& line : rule.parsed().lines) {
    lines.push_back(
        concat("  ", name_text(line.name), "^{", line.is_state ? "k+1" : "k", "} &= ", printer.text_of(line.right)));
  }
  return concat("\\begin{aligned}\n", base::join(lines, " \\\\\n"), "\n\\end{aligned}\n");
}

}  // namespace optdnn::algorithms
