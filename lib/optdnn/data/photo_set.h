// Photographs read, decoded and augmented as they are asked for. Only the part of a JPEG that is used is decoded; a
// batch takes the memory of its own images and of one photograph at a time.
#pragma once

#include "optdnn/data/dataset.h"
#include "optdnn/photos/image_store.h"
#include "optdnn/photos/photo_spec.h"

namespace optdnn::data {

class PhotoSet : public DataSet {
 public:
  // Errors: EnvironmentError if there is no folder and no archive, naming `optdnn fetch <dataset>`; ConfigError if the
  // number of classes is another.
  PhotoSet(photos::PhotoSpec spec, std::string_view dataset, const std::filesystem::path& data_root);

  DataShape shape() const override { return {{3, spec_.size_px, spec_.size_px}, spec_.classes, false}; }
  int64_t size(Split split) const override { return store(split).size(); }
  int64_t repeats() const override { return spec_.repeats; }
  std::vector<std::string> class_names() const override { return train_.classes(); }
  // A mixture is one of the batch with itself: a batch that is split is then mixed differently.
  Batch batch(Split split, uint64_t seed, int64_t epoch, const std::vector<int64_t>& indices) const override;

 private:
  const photos::ImageStore& store(Split split) const { return split == Split::train ? train_ : test_; }

  photos::PhotoSpec spec_;
  photos::ImageStore train_, test_;
};

}  // namespace optdnn::data
