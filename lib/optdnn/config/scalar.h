// What a plain scalar means, more narrowly than YAML 1.1 or 1.2 would have it:
//
//   boolean   true | false
//   integer   -?(0 | [1-9][0-9]*)
//   real      an integer with a fraction or an exponent: 0.5, .5, 1e-4, 63.3e6
//   text      everything else, among it yes, 010, 0x1F, 1_000, .nan
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace optdnn::config {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

enum class ScalarType { boolean, integer, real, text };

ScalarType scalar_type(std::string_view text);

// The value of an integer or real text; none if it is no such text or does not fit. Zero for a real text means zero:
// what is too small for a double does not fit.
std::optional<int64_t> parse_integer(std::string_view text);
std::optional<uint64_t> parse_unsigned(std::string_view text);
std::optional<double> parse_real(std::string_view text);

// What to write instead of a text that was refused; empty if nothing comes to mind.
std::string boolean_hint(std::string_view text);
std::string integer_hint(std::string_view text);
std::string real_hint(std::string_view text);

}  // namespace optdnn::config
