// Photographs read, decoded and augmented as they are asked for, by the loader's threads. Only the part of a JPEG that
// is used is decoded; a batch takes the memory of its own images and of one photograph at a time.
#pragma once

#include "optdnn/data/dataset.h"
#include "optdnn/data/photo_batch.h"
#include "optdnn/data/validation.h"
#include "optdnn/photos/image_store.h"
#include "optdnn/photos/photo_spec.h"

namespace optdnn::data {

class PhotoSet : public DataSet {
 public:
  // Errors: EnvironmentError if there is no folder and no archive, naming `optdnn fetch <dataset>`; ConfigError if the
  // number of classes is another, or validation would take all training images.
  PhotoSet(photos::PhotoSpec spec, std::string_view dataset, const std::filesystem::path& data_root,
           const std::optional<ValidationSpec>& validation = {}, const torch::Device& device = torch::kCPU);

  DataShape shape() const override { return {{3, spec_.size_px, spec_.size_px}, *spec_.classes, false}; }
  int64_t size(Split split) const override;
  int64_t repeats() const override { return spec_.repeats; }
  // As many as there are cores for a GPU, which waits for what is decoded, 32 at most; a CPU's train.
  int loader_threads() const override;
  std::vector<std::string> class_names() const override { return train_.classes(); }
  Preparation preparation() const override;
  // A mixture is one of the batch with itself, in reverse order.
  Batch batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const override;
  Batch part(uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices, int64_t first) const override;

 private:
  // Image `index` of a split, in its store.
  const photos::ImageStore& store(Split split) const { return split == Split::test ? test_ : train_; }
  int64_t in_store(Split split, int64_t index) const;
  // Not mixed.
  PhotoBatch decoded(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const;
  Batch delivered(PhotoBatch batch) const;

  photos::PhotoSpec spec_;
  torch::Device device_;
  photos::ImageStore train_, test_;
  std::optional<Division> division_;  // of train_, with validation
};

// Photographs, of whose training set a part may be held out.
template <class Photos>
struct Divisible : Photos {
  std::optional<ValidationSpec> validation;

  template <class Fields>
  void fields(Fields& f) {
    Photos::fields(f);
    f("validation", validation, "held out of the training set, stratified by class");
  }

  DataShape shape() const { return {{3, this->size_px, this->size_px}, this->classes.value_or(0), false}; }
  int64_t per_iteration() const { return this->batch_size; }
  // Counts the classes where they are not given. Errors: EnvironmentError if there is no folder and no archive.
  void look(const std::filesystem::path& data_root) {
    if (this->classes) return;
    const photos::ImageStore train(photos::image_places(data_root / this->folder), "train");
    this->classes = std::ssize(train.classes());
  }
  std::unique_ptr<DataSet> make(const Place& place) const {
    return std::make_unique<PhotoSet>(*this, Photos::kName, place.root, validation, place.device);
  }
};

}  // namespace optdnn::data
