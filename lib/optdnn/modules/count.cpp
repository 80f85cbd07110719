#include "optdnn/modules/count.h"

namespace optdnn::modules {

Count& Count::operator+=(const Count& other) {
  parameters += other.parameters;
  multiply_adds += other.multiply_adds;
  kept += other.kept;
  return *this;
}

Extent windowed(const Extent& from, int64_t kernel_px, int64_t stride, int64_t padding) {
  const auto length = [&](int64_t size) { return (size + 2 * padding - kernel_px) / stride + 1; };
  return {length(from.height), length(from.width)};
}

Count count_affine(int64_t inputs, int64_t outputs, int64_t positions, bool with_bias) {
  return {inputs * outputs + (with_bias ? outputs : 0), positions * inputs * outputs, positions * outputs};
}

Count count_convolution(int64_t inputs, int64_t outputs, int64_t kernel_px, const Extent& at, bool with_bias) {
  return count_affine(inputs * kernel_px * kernel_px, outputs, at.positions(), with_bias);
}

Count count_norm(NormKind kind, int64_t channels, int64_t positions) {
  if (kind == NormKind::none) return {};
  return {2 * channels, 0, channels * positions};
}

// The derivative of the others follows from their value, so that their argument is not kept.
Count count_activation(Activation activation, int64_t numbers) {
  const bool from_value =
      activation == Activation::relu || activation == Activation::tanh || activation == Activation::sigmoid;
  return {0, 0, from_value ? 0 : numbers};
}

Count count_activated_norm(NormKind kind, Activation activation, int64_t channels, int64_t positions) {
  if (kind == NormKind::none) return {0, 0, channels * positions};  // of the activation
  return count_norm(kind, channels, positions) + count_activation(activation, channels * positions);
}

Count ending(Count last) {
  last.kept = 0;
  return last;
}

}  // namespace optdnn::modules
