// Any bytes as a CIFAR file, of either layout, with as many records as would fit and one more: refused, or read.
#include "optdnn/data/cifar.h"

#include <cstdlib>

#include "optdnn/base/errors.h"

using namespace optdnn;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const data::CifarLayout* layout : {&data::cifar10_layout(), &data::cifar100_layout()}) {
    const int64_t fit = static_cast<int64_t>(size) / layout->record_bytes();
    for (const int64_t records : {fit, fit + 1}) {
      for (size_t label = 0; label < layout->labels.size(); ++label) {
        try {
          const data::LabelledImages read = data::parse_cifar(bytes, *layout, records, label, "fuzz");
          if (read.labels_N.size(0) != records || read.images_NCHW.size(0) != records) std::abort();
          if (records > 0 && read.labels_N.max().item<int64_t>() >= layout->labels[label].classes) std::abort();
        } catch (const base::EnvironmentError&) {
        }
      }
    }
  }
  return 0;
}
