#include "training/small_nets.h"

#include "optdnn/base/device.h"
#include "optdnn/base/random.h"
#include "optdnn/training/checkpoint.h"

namespace optdnn::training {

data::Batch SmallImages::batch(data::Split split, uint64_t, int64_t, const std::vector<int64_t>& indices) const {
  const auto count = static_cast<int64_t>(indices.size());
  data::Batch batch{torch::empty({count, 2, 6, 6}), torch::empty({count}, torch::kInt64)};
  for (int64_t i = 0; i < count; ++i) {
    base::RandomStream random(static_cast<int>(split) + 1, "small images", 0, indices[i]);
    const int64_t label = indices[i] % 3;
    float* pixels = batch.inputs[i].data_ptr<float>();
    for (int64_t j = 0; j < 72; ++j) pixels[j] = static_cast<float>(random.normal() + (j % 3 == label ? 0.7 : 0));
    if (indices[i] == factor_sample) batch.inputs[i].mul_(factor);
    batch.targets[i] = label;
  }
  return batch;
}

data::Batch SmallRegression::batch(data::Split, uint64_t, int64_t, const std::vector<int64_t>& indices) const {
  const torch::Tensor x = torch::tensor(indices, torch::kInt64).to(torch::kFloat32).unsqueeze(1) / 64;
  return {x, (3 * x).sin()};
}

namespace {
struct LayersImpl : torch::nn::Module {
  explicit LayersImpl(torch::nn::Sequential all) : layers(register_module("layers", std::move(all))) {}
  torch::Tensor forward(const torch::Tensor& x) { return layers->forward(x); }
  torch::nn::Sequential layers;
};
TORCH_MODULE(Layers);
}  // namespace

torch::nn::AnyModule make_net(Net net, uint64_t seed) {
  base::seed_torch(seed);
  torch::nn::Sequential layers;
  if (net == Net::vector) {
    layers->push_back(torch::nn::Linear(1, 16));
    layers->push_back(torch::nn::Tanh());
    layers->push_back(torch::nn::Linear(16, 1));
    return torch::nn::AnyModule(Layers(layers));
  }
  layers->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(2, 8, 3).padding(1)));
  if (net == Net::with_batch_norm) layers->push_back(torch::nn::BatchNorm2d(8));
  layers->push_back(torch::nn::ReLU());
  if (net == Net::with_dropout) layers->push_back(torch::nn::Dropout(0.3));
  layers->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(8, 8, 3).stride(2).padding(1)));
  layers->push_back(torch::nn::Flatten());
  layers->push_back(torch::nn::Linear(72, 3));
  return torch::nn::AnyModule(Layers(layers));
}

SmallJob::SmallJob(const data::DataSet& dataset, Net net, int64_t batch_size, int threads)
    : train_loader(dataset, {data::Split::train, batch_size, {7}, threads, false}),
      valid_loader(dataset, {data::Split::valid, 8, {7}, 0, false}),
      test_loader(dataset, {data::Split::test, 8, {7}, 0, false}) {
  base::set_torch_threads(1);  // waiting for each other takes longer than these networks
  job.network = make_net(net);
  job.train_loader = &train_loader;
  job.valid_loader = &valid_loader;
  job.test_loader = &test_loader;
  SgdSpec sgd;
  sgd.momentum = 0.9;
  sgd.nesterov = true;
  sgd.weight_decay = 1e-4;
  job.optimizer = sgd;
  job.schedule = CosineSchedule{};
  job.loss = default_loss(dataset.shape());
  job.train.length.epochs = 3;
  job.train.log_every = Duration{{}, 2, {}};
}

TrainResult train_alone(TrainJob& job) {
  const TrainResult result = train(job).front();
  if (result.diverged) throw *result.diverged;
  return result;
}

torch::Tensor flat_weights(const torch::nn::AnyModule& network) {
  std::vector<torch::Tensor> parts;
  for (const auto& item : named_weights(*network.ptr())) parts.push_back(item.second.to(torch::kFloat64).reshape({-1}));
  return torch::cat(parts);
}

}  // namespace optdnn::training
