// Safetensors: round trips, the Python package in both directions, and files that lie.
#include "optdnn/training/safetensors.h"

#include <rapidcheck.h>
#include <sys/wait.h>

#include <cstring>
#include <fstream>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/base/random.h"
#include "optdnn/base/text.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace optdnn::training {
namespace {

using torch::Tensor;

Safetensors sample() {
  base::seed_torch(11);
  Safetensors content;
  for (const auto dtype : {torch::kFloat64, torch::kFloat32, torch::kFloat16, torch::kBFloat16, torch::kInt64,
                           torch::kInt32, torch::kInt16, torch::kInt8, torch::kUInt8, torch::kBool}) {
    content.tensors[std::string("type ") + c10::toString(dtype)] = (torch::rand({3, 5}) * 100).gt(50).to(dtype);
  }
  content.tensors["scalar"] = torch::tensor(1.5f);
  content.tensors["empty"] = torch::empty({0, 4});
  content.tensors["a \"name\" \\ with \xc3\xa9"] = torch::randn({7});
  content.tensors["channels last"] = torch::randn({2, 3, 4, 5}).contiguous(torch::MemoryFormat::ChannelsLast);
  content.tensors["not finite"] =
      torch::tensor({std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()});
  content.metadata = {{"format", "pt"}, {"note", "line\nbreak"}};
  return content;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = a.contiguous(), y = b.contiguous();
  return x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() &&
         std::memcmp(x.data_ptr(), y.data_ptr(), x.nbytes()) == 0;
}

void require_same(const Safetensors& a, const Safetensors& b) {
  REQUIRE(a.metadata == b.metadata);
  REQUIRE(a.tensors.size() == b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    CAPTURE(name);
    REQUIRE(b.tensors.contains(name));
    REQUIRE(same_bits(tensor, b.tensors.at(name)));
  }
}

// A file of this header text and so many bytes of data.
std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(data_bytes, '\1');
}

}  // namespace

TEST_CASE("what is written reads back to the bit") {
  require_same(decode_safetensors(encode_safetensors(sample()), "sample"), sample());
  require_same(decode_safetensors(encode_safetensors({}), "nothing"), {});
}

TEST_CASE("equal content makes equal bytes, aligned to the element's size") {
  REQUIRE(encode_safetensors(sample()) == encode_safetensors(sample()));
  uint64_t header = 0;
  std::memcpy(&header, encode_safetensors(sample()).data(), 8);
  REQUIRE(header % 8 == 0);
}

TEST_CASE("the Python package reads our files and we read its files") {
  const char* named = std::getenv("OPTDNN_PYTHON");
  const std::string python = named ? named : OPTDNN_SOURCE_DIR "/.venv/bin/python";
  const TemporaryFolder folder;
  write_safetensors(folder / "ours", sample());
  const int status =
      std::system(base::concat("'", python, "' '", OPTDNN_SOURCE_DIR, "/tests/training/safetensors_peer.py' '",
                               (folder / "ours").string(), "' '", (folder / "theirs").string(), "' 2>&1")
                      .c_str());
  if (!std::filesystem::exists(python) || WEXITSTATUS(status) == 77) {
    WARN("skipped: " << python << " has no package safetensors; OPTDNN_PYTHON names another Python");
    return;
  }
  REQUIRE(status == 0);
  require_same(read_safetensors(folder / "theirs"), sample());
}

TEST_CASE("a file that lies about itself is refused with the reason") {
  const std::string one = R"("dtype":"F32","shape":[2],"data_offsets":[0,8])";
  struct Case {
    std::string bytes, reason;
  };
  const std::vector<Case> cases = {
      {"", "shorter than 8 bytes"},
      {std::string(7, 'x'), "shorter than 8 bytes"},
      {std::string(8, '\xff') + "{}", "announces a header of 18446744073709551615 bytes in a file of 10"},
      {file_of("{}", 0).substr(0, 9), "announces a header of 2 bytes in a file of 9"},
      {file_of("", 0), "does not begin with '{'"},
      {file_of("[]", 0), "does not begin with '{'"},
      {file_of("{", 0), "no JSON"},
      {file_of("{} {}", 0), "no JSON"},
      {file_of("{\"a\":{" + one + "}}", 7), "the tensors end at byte 8 of 7"},
      {file_of("{\"a\":{" + one + "}}", 9), "the tensors end at byte 8 of 9"},
      {file_of("{}", 1), "the tensors end at byte 0 of 1"},
      {file_of("{\"a\":{" + one + "},\"a\":{" + one + "}}", 8), "the key 'a' comes twice"},
      {file_of(R"({"__metadata__":{"x":"1","x":"2"}})", 0), "the key 'x' comes twice"},
      {file_of(R"({"__metadata__":{"x":1}})", 0), "a number in an unexpected place"},
      {file_of(R"({"__metadata__":{"x":{}}})", 0), "an object in an unexpected place"},
      {file_of("{\"a\":{" + one + R"(,"dtype":"F32"}})", 8), "the key 'dtype' comes twice"},
      {file_of("{\"a\":{" + one + R"(,"extra":1}})", 8), "the unknown field 'extra'"},
      {file_of(R"({"a":{"dtype":"F32","shape":[2]}})", 8), "lacks one of dtype, shape, data_offsets"},
      {file_of(R"({"a":{"dtype":"F4","shape":[2],"data_offsets":[0,8]}})", 8), "has the type 'F4', which is not read"},
      {file_of(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8), "not those of its shape and type"},
      {file_of(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8), "a negative number"},
      {file_of(R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8), "a number that is no integer"},
      {file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8), "offsets that are no begin and end"},
      {file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8), "offsets that are no begin and end"},
      {file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})", 8), "too large"},
      {file_of(R"({"a":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0),
       "not those of its shape"},
      {file_of(R"({"a":{"dtype":"U8","shape":[0,4611686018427387904,4611686018427387904],"data_offsets":[0,0]}})", 0),
       "not those of its shape"},
      {file_of("{\"a\":{" + one + "},\"b\":{" + one + "}}", 8), "inside another"},
      {file_of("{\"a\":{" + one + R"(},"b":{"dtype":"U8","shape":[1],"data_offsets":[9,10]}})", 10), "after a gap"},
      {file_of("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}", 0),
       "a list in an unexpected place"},
      {file_of(R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8), "a list in an unexpected place"},
      {file_of("{\"a\":null}", 0), "null in an unexpected place"},
      {file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + base::join(std::vector<std::string>(65, "1"), ",") +
                   R"(],"data_offsets":[0,1]}})",
               1),
       "too long"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.reason);
    try {
      decode_safetensors(c.bytes, "a file");
      FAIL("was accepted");
    } catch (const base::EnvironmentError& error) {
      const std::string message = error.what();
      CAPTURE(message);
      const bool sound = c.reason.ends_with("is not read");  // a type that we do not have is no damage
      REQUIRE(message.starts_with(sound ? "a file: " : "a file: not a sound safetensors file: "));
      REQUIRE(message.find(c.reason) != std::string::npos);
    }
  }
}

TEST_CASE("a bool of any byte reads as true or false") {
  std::string bytes = file_of(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 2);
  bytes.back() = '\x7f';
  const auto content = decode_safetensors(bytes, "bools");
  REQUIRE(content.tensors.at("a").sum().item<int64_t>() == 2);
}

TEST_CASE("a damaged file is refused or read, and never more") {
  const std::string sound = encode_safetensors(sample());
  uint64_t header = 0;
  std::memcpy(&header, sound.data(), 8);
  rc::check([&](uint64_t seed) {
    base::RandomStream random(seed, "damage");
    std::string bytes = sound;
    for (uint64_t n = 1 + random.below(3); n > 0; --n) {
      const size_t at = random.below(random.coin() ? 8 + header : bytes.size());
      switch (random.below(5)) {
        case 0:
          bytes[at % bytes.size()] = static_cast<char>(random.next());
          break;
        case 1:
          bytes.resize(at);
          break;
        case 2:
          bytes.insert(at % (bytes.size() + 1), 1 + random.below(4), "0[{\"9,"[random.below(6)]);
          break;
        case 3:
          bytes.erase(at % bytes.size(), 1 + random.below(9));
          break;
        default:
          bytes.insert(at % (bytes.size() + 1), bytes.substr(random.below(bytes.size()), random.below(64)));
      }
      if (bytes.empty()) break;
    }
    try {
      uint64_t total = 0;
      for (const auto& item : decode_safetensors(bytes, "damaged").tensors) total += item.second.nbytes();
      RC_ASSERT(total <= bytes.size());
    } catch (const base::EnvironmentError&) {
    }
  });
}

TEST_CASE("a tensor of a type without a name is refused before anything is written") {
  const TemporaryFolder folder;
  REQUIRE_THROWS_AS(write_safetensors(folder / "file", {{{"a", torch::zeros({2}, torch::kComplexFloat)}}, {}}),
                    std::invalid_argument);
  REQUIRE(!std::filesystem::exists(folder / "file"));
  REQUIRE_THROWS_AS(read_safetensors(folder / "file"), base::EnvironmentError);
}

}  // namespace optdnn::training
