// SHA-256 sums in a safetensors file's own metadata: "sha256/<name>" of each tensor's bytes, and "sha256" of the other
// metadata. What is wrong in a sealed file is found before it is used. Files without sums, of other programs and of
// earlier versions, pass.
#pragma once

#include "optdnn/training/safetensors.h"

namespace optdnn::training {

// Adds the sums, or renews them; the tensors are then dense and on the CPU.
void seal(Safetensors& file);

// As read_safetensors. Errors also: EnvironmentError naming what is not as it was written.
Safetensors read_sealed(const std::filesystem::path& path);

}  // namespace optdnn::training
