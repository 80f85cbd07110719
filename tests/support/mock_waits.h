// Operators that need no look at a number on a CPU and make the host wait on CUDA, as ATen's CUDA sources have it.
#pragma once

#include <ATen/core/stack.h>

#include <optional>
#include <string>
#include <string_view>

namespace optdnn::tests {

struct WaitingOperator {
  std::string_view name;  // as in a schema, with ".overload" where only that one waits
  std::string_view why;
};

inline constexpr WaitingOperator kWaitingOperators[] = {
    {"masked_fill_.Tensor", "the value is read by item()"},
    {"nonzero", "the size of the result is a number on the device"},
    {"masked_select", "the size of the result is a number on the device"},
    {"_unique", "the size of the result is a number on the device"},
    {"_unique2", "the size of the result is a number on the device"},
    {"unique_dim", "the size of the result is a number on the device"},
    {"unique_consecutive", "the size of the result is a number on the device"},
    {"bincount", "the size of the result is a number on the device"},
    {"repeat_interleave.Tensor", "the size of the result is a number on the device"},
    {"multinomial", "probabilities are checked"},
    {"histc", "the smallest and the largest number are read"},
    {"equal", "the answer is read"},
    {"_linalg_eigh", "cuSOLVER's answer is checked"},
    {"_linalg_svd", "cuSOLVER's answer is checked"},
    {"linalg_lstsq", "cuSOLVER's answer is checked"},
    {"geqrf", "cuSOLVER's answer is checked"},
};

inline bool chooses_by_flags(const c10::IValue& indices) {
  if (!indices.isOptionalTensorList()) return false;
  for (const std::optional<at::Tensor>& index : indices.toOptionalTensorVector()) {
    if (index && index->defined() && (index->scalar_type() == at::kBool || index->scalar_type() == at::kByte))
      return true;
  }
  return false;
}

// Why this call waits on CUDA, if it does. `name` without "aten::".
inline std::optional<std::string_view> waits_on_cuda(std::string_view name, std::string_view overload,
                                                     at::ArrayRef<c10::IValue> arguments) {
  if (name == "repeat_interleave" && !arguments.back().isNone()) return std::nullopt;  // told the size
  for (const WaitingOperator& known : kWaitingOperators) {
    const bool whole = known.name.find('.') != std::string_view::npos;
    if (whole ? known.name == std::string(name).append(".").append(overload) : known.name == name) return known.why;
  }
  if (arguments.size() > 1 && chooses_by_flags(arguments[1]))
    return "an index of flags is turned into numbers by nonzero";
  return std::nullopt;
}

}  // namespace optdnn::tests
