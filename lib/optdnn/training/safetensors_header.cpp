// Choice: the JSON is read by events, not into a tree: the few shapes it may have are a small automaton, so nothing can
// be deep, and a key that comes twice is seen.
#include "optdnn/training/safetensors_header.h"

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "optdnn/base/text.h"

namespace optdnn::training {

namespace {

using base::concat;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr size_t kMaxDimensions = 64;

class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  Header header;

  bool start_object(size_t) override {
    if (place_ == Place::file) return go(Place::top);
    if (place_ == Place::top_value) {
      fields_.clear();
      return go(is_metadata_ ? Place::metadata : Place::tensor);
    }
    return refuse("an object in an unexpected place");
  }

  bool key(std::string& name) override {
    if (!(place_ == Place::top ? names_ : fields_).insert(name).second)
      return refuse(concat("the key '", name, "' comes twice"));
    field_ = name;
    if (place_ == Place::top) {
      is_metadata_ = name == "__metadata__";
      if (!is_metadata_) header.tensors.emplace_back().name = name;
      return go(Place::top_value);
    }
    if (place_ == Place::metadata) return go(Place::metadata_value);
    if (name == "dtype") return go(Place::dtype);
    if (name == "shape" || name == "data_offsets") return go(Place::list_value);
    return refuse(concat("tensor '", header.tensors.back().name, "' has the unknown field '", name, "'"));
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata_value) {
      header.metadata[field_] = text;
      return go(Place::metadata);
    }
    if (place_ != Place::dtype) return refuse("a text in an unexpected place");
    header.tensors.back().dtype = text;
    return go(Place::tensor);
  }

  bool start_array(size_t) override {
    list_.clear();
    return place_ == Place::list_value ? go(Place::list) : refuse("a list in an unexpected place");
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::list) return refuse("a number in an unexpected place");
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return refuse("a number that is too large");
    if (list_.size() == kMaxDimensions) return refuse("a list that is too long");
    list_.push_back(static_cast<int64_t>(value));
    return true;
  }

  bool end_array() override {
    TensorEntry& tensor = header.tensors.back();
    if (field_ == "shape") {
      tensor.shape = list_;
    } else if (list_.size() == 2 && list_[0] <= list_[1]) {
      tensor.begin = list_[0];
      tensor.end = list_[1];
    } else {
      return refuse(concat("tensor '", tensor.name, "' has offsets that are no begin and end"));
    }
    return go(Place::tensor);
  }

  bool end_object() override {
    if (place_ == Place::tensor && fields_.size() != 3) {
      return refuse(concat("tensor '", header.tensors.back().name, "' lacks one of dtype, shape, data_offsets"));
    }
    return go(place_ == Place::top ? Place::end : Place::top);
  }

  bool null() override { return refuse("null in an unexpected place"); }
  bool boolean(bool) override { return refuse("a boolean in an unexpected place"); }
  bool number_integer(number_integer_t) override { return refuse("a negative number"); }
  bool number_float(number_float_t, const std::string&) override { return refuse("a number that is no integer"); }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return refuse(concat("no JSON at byte ", position));
  }

 private:
  enum class Place { file, top, top_value, metadata, metadata_value, tensor, dtype, list_value, list, end };

  bool go(Place place) {
    place_ = place;
    return true;
  }
  [[noreturn]] bool refuse(const std::string& what) { throw HeaderError("the header holds " + what); }

  Place place_ = Place::file;
  bool is_metadata_ = false;
  std::string field_;
  std::set<std::string> names_, fields_;
  std::vector<int64_t> list_;
};

}  // namespace

Header read_header(std::string_view bytes) {
  uint64_t size = 0;
  if (bytes.size() < 8) throw HeaderError("it is shorter than 8 bytes");
  std::memcpy(&size, bytes.data(), 8);
  if (size > bytes.size() - 8 || size > kMaxHeaderBytes) {
    throw HeaderError(concat("it announces a header of ", size, " bytes in a file of ", bytes.size()));
  }
  HeaderReader reader;
  const std::string_view text = bytes.substr(8, size);
  if (!text.starts_with('{')) throw HeaderError("its header does not begin with '{'");
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  reader.header.data_begin = 8 + size;
  return std::move(reader.header);
}

}  // namespace optdnn::training
