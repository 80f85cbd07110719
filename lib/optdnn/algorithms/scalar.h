// An arithmetic expression in learnable coefficients: the entry of a tableau. Numbers are folded on construction, so an
// entry without a learnable coefficient is a plain constant. Immutable and cheap to copy.
//
//   Scalar entry = 1.0 - Scalar::leaf({0, {k}});   entry.evaluate<double>([](const Leaf&) { return 0.5; }) == 0.5
#pragma once

#include <compare>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace optdnn::algorithms {

// One learnable value: the coefficient's place in Rule::coefficients() and its index tuple (empty for `learn: shared`).
struct Leaf {
  int coefficient = 0;
  std::vector<int> indices;
  auto operator<=>(const Leaf&) const = default;
};

class Scalar {
 public:
  Scalar(double constant = 0.0) : constant_(constant) {}  // implicit: numbers mix with expressions
  static Scalar leaf(Leaf leaf);

  bool is_constant() const { return !node_; }
  double constant() const { return constant_; }  // Requires is_constant().
  bool is_zero() const { return is_constant() && constant_ == 0.0; }
  bool is_one() const { return is_constant() && constant_ == 1.0; }

  // Errors: ConfigError if the expression grows beyond what can be evaluated.
  friend Scalar operator+(const Scalar& a, const Scalar& b);
  friend Scalar operator-(const Scalar& a, const Scalar& b);
  friend Scalar operator*(const Scalar& a, const Scalar& b);
  friend Scalar operator/(const Scalar& a, const Scalar& b);  // Requires that b is not the constant 0.

  // The value with `value(const Leaf&) -> T` for every leaf. T needs + - * / with itself and with double on either
  // side. Requires !is_constant() where no T can be made from a double, as with tensors.
  template <class T, class LeafValue>
  T evaluate(LeafValue&& value) const;

  void collect_leaves(std::set<Leaf>& leaves) const;

  // "1 - c0[3]", with `names` in place of c0, c1, ...
  std::string text(const std::vector<std::string>& names = {}) const;

 private:
  struct Node;
  static Scalar make(char operation, const Scalar& a, const Scalar& b);

  template <class A, class B>
  static auto apply(char operation, const A& a, const B& b) {
    switch (operation) {
      case '+':
        return a + b;
      case '-':
        return a - b;
      case '*':
        return a * b;
      default:
        return a / b;
    }
  }

  double constant_ = 0.0;
  std::shared_ptr<const Node> node_;  // none for a constant
};

struct Scalar::Node {
  char operation = 0;  // 0 for a leaf
  Scalar left, right;
  Leaf leaf;
  int depth = 1;
  double size = 1;  // nodes, shared ones counted at each use
};

template <class T, class LeafValue>
T Scalar::evaluate(LeafValue&& value) const {
  if (!node_) {
    if constexpr (std::is_constructible_v<T, double>) {
      return T(constant_);
    } else {
      throw std::logic_error("a constant entry is no expression; read constant()");
    }
  }
  const Node& node = *node_;
  if (node.operation == 0) return value(node.leaf);
  if (!node.left.node_) return apply(node.operation, node.left.constant_, node.right.template evaluate<T>(value));
  if (!node.right.node_) return apply(node.operation, node.left.template evaluate<T>(value), node.right.constant_);
  return apply(node.operation, node.left.template evaluate<T>(value), node.right.template evaluate<T>(value));
}

}  // namespace optdnn::algorithms
