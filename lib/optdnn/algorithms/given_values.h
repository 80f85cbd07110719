// What a coefficient is before it learns: a number, a built-in sequence, a list by k, or a formula in k.
//   [1, 0.5, 0.25]                       the last holds from then on
//   {values: [0, 0.9], repeat: true}     begins again
//   {formula: "(k-1)/(k+2)"}             + - * / and parentheses, numbers and k
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "optdnn/algorithms/rule.h"
#include "optdnn/algorithms/syntax.h"

namespace optdnn::algorithms {

// How many of value, sequence, list and formula are given.
int count_given(const Coefficient& coefficient);

// How many indices it takes: nothing for a number, which takes any.
std::optional<int> indices_taken(const Coefficient& coefficient);

// "0.5", "fista", "[1, 0.5]", "[0, 0.9], repeated", "(k-1)/(k+2)"
std::string given_text(const Coefficient& coefficient);

// Requires a coefficient that was checked. None where it is not defined; not finite where a formula divides by zero.
std::optional<double> given_value(const Coefficient& coefficient, const std::vector<int>& indices);

// The formula's tree, or nothing after a report; places are in the formula.
std::optional<Expression> parse_formula(const std::string& formula, const Report& report);

}  // namespace optdnn::algorithms
