// Weights from files and into files, by our names or by timm's.
#pragma once

#include <filesystem>

#include "optdnn/data/loader.h"
#include "optdnn/models/network.h"
#include "optdnn/training/train_spec.h"

namespace optdnn::experiment {

// Every weight comes from the file. Errors: EnvironmentError if names or shapes differ.
void load_named_weights(torch::nn::Module& module, const std::filesystem::path& file);

// Fine-tuning: as above, but a head for other outputs and coefficients that the file lacks stay as they are, and the
// positions of a ViT are interpolated to another image size (bicubic). Errors: as above.
void begin_at(torch::nn::Module& module, const std::filesystem::path& file);

// The first batch of the loader, with the network's outputs in evaluation: inputs, targets, outputs.
void write_sample(models::Network& network, const data::Loader& loader, const training::TrainSpec& train,
                  const torch::Device& device, const std::filesystem::path& to);

}  // namespace optdnn::experiment
