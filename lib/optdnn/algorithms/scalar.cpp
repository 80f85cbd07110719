#include "optdnn/algorithms/scalar.h"

#include <algorithm>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::algorithms {

namespace {

// Evaluation walks the whole tree recursively.
constexpr int kMaxDepth = 2000;
constexpr double kMaxSize = 100000;

}  // namespace

Scalar Scalar::leaf(Leaf leaf) {
  auto node = std::make_shared<Node>();
  node->leaf = std::move(leaf);
  Scalar scalar;
  scalar.node_ = std::move(node);
  return scalar;
}

Scalar Scalar::make(char operation, const Scalar& a, const Scalar& b) {
  const auto depth = [](const Scalar& s) { return s.node_ ? s.node_->depth : 0; };
  const auto size = [](const Scalar& s) { return s.node_ ? s.node_->size : 1.0; };
  auto node = std::make_shared<Node>();
  node->operation = operation;
  node->left = a;
  node->right = b;
  node->depth = 1 + std::max(depth(a), depth(b));
  node->size = 1.0 + size(a) + size(b);
  if (node->depth > kMaxDepth || node->size > kMaxSize) {
    throw base::ConfigError("the learnable coefficients of this rule multiply out to an expression that is too large");
  }
  Scalar scalar;
  scalar.node_ = std::move(node);
  return scalar;
}

Scalar operator+(const Scalar& a, const Scalar& b) {
  if (a.is_constant() && b.is_constant()) return a.constant_ + b.constant_;
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  return Scalar::make('+', a, b);
}

Scalar operator-(const Scalar& a, const Scalar& b) {
  if (a.is_constant() && b.is_constant()) return a.constant_ - b.constant_;
  if (b.is_zero()) return a;
  return Scalar::make('-', a, b);
}

Scalar operator*(const Scalar& a, const Scalar& b) {
  if (a.is_constant() && b.is_constant()) return a.constant_ * b.constant_;
  if (a.is_zero() || b.is_zero()) return 0.0;
  if (a.is_one()) return b;
  if (b.is_one()) return a;
  return Scalar::make('*', a, b);
}

Scalar operator/(const Scalar& a, const Scalar& b) {
  if (a.is_constant() && b.is_constant()) return a.constant_ / b.constant_;
  if (a.is_zero()) return 0.0;
  if (b.is_one()) return a;
  return Scalar::make('/', a, b);
}

void Scalar::collect_leaves(std::set<Leaf>& leaves) const {
  if (!node_) return;
  if (node_->operation == 0) {
    leaves.insert(node_->leaf);
    return;
  }
  node_->left.collect_leaves(leaves);
  node_->right.collect_leaves(leaves);
}

std::string Scalar::text(const std::vector<std::string>& names) const {
  if (!node_) return base::number_text(constant_);
  const Node& node = *node_;
  if (node.operation == 0) {
    const size_t c = static_cast<size_t>(node.leaf.coefficient);
    std::string text = c < names.size() ? names[c] : base::concat("c", c);
    std::vector<std::string> indices;
    for (const int index : node.leaf.indices) indices.push_back(std::to_string(index));
    return indices.empty() ? text : base::concat(text, "[", base::join(indices, ","), "]");
  }
  // Parentheses where the operand binds less tightly.
  const auto binding = [](const Scalar& s) {
    if (!s.node_) return s.constant_ < 0 ? 0 : 2;
    return s.node_->operation == 0 ? 2 : s.node_->operation == '*' || s.node_->operation == '/' ? 1 : 0;
  };
  const auto operand = [&](const Scalar& s, int tightest) {
    return binding(s) < tightest ? base::concat("(", s.text(names), ")") : s.text(names);
  };
  const bool product = node.operation == '*' || node.operation == '/';
  const int left = product ? 1 : 0;
  const int right = node.operation == '/' ? 2 : product || node.operation == '-' ? 1 : 0;
  const std::string sign = product ? std::string(1, node.operation) : base::concat(" ", node.operation, " ");
  return base::concat(operand(node.left, left), sign, operand(node.right, right));
}

}  // namespace optdnn::algorithms
