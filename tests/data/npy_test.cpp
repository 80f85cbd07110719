// NumPy's files: what is written is read back, and damage, pickles and sizes beyond the file are refused.
#include "optdnn/data/npy.h"

#include "optdnn/data/write_npz.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/mistake.h"

namespace optdnn::data {
namespace {

std::string npy(const std::string& header, const std::string& body) {
  std::string bytes = "\x93NUMPY\1";
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header + body;
}

std::string npy_mistake(const std::string& bytes) {
  return tests::mistake_of<base::EnvironmentError>([&] { parse_npy(bytes, "x"); });
}

TEST_CASE("arrays and texts of an npz file are read back as they were written", "[npy]") {
  const torch::Tensor doubles = torch::rand({3, 2, 2}, torch::kFloat64), whole = torch::arange(-2, 3, torch::kInt64);
  const std::string bytes = encode_npz({{{"x", doubles}, {"y", whole}}, {{"names", {"cat", "\xC3\xA4hre", ""}}}});
  const auto arrays = parse_npz(bytes, "a.npz");
  REQUIRE(arrays.size() == 3);
  CHECK(torch::equal(arrays.at("x").numbers, doubles));
  CHECK(torch::equal(arrays.at("y").numbers, whole));
  CHECK(arrays.at("names").shape() == std::vector<int64_t>{3});
  CHECK(parse_npz(bytes, "a.npz", {"y", "z"}).size() == 1);
}

TEST_CASE("any byte but 0 is true", "[npy]") {
  const std::string header = "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }\n";
  const NpyArray flags = parse_npy(npy(header, std::string("\0\2\xFF", 3)), "x");
  CHECK(torch::equal(flags.numbers.to(torch::kInt64), torch::tensor({0, 1, 1})));
}

TEST_CASE("Fortran's order, narrow integers and wide texts mean the same", "[npy]") {
  const NpyArray columns = parse_npy(
      npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n", std::string("\1\2\3\4\5\6", 6)), "x");
  CHECK(torch::equal(columns.numbers, torch::tensor({{1, 3, 5}, {2, 4, 6}}, torch::kUInt8)));
  const std::string letters("\xE4\0\0\0b\0\0\0c\0\0\0\0\0\0\0", 16);
  const NpyArray texts = parse_npy(npy("{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }", letters), "x");
  CHECK(texts.texts == std::vector<std::string>{"\xC3\xA4"
                                                "b",
                                                "c"});
}

TEST_CASE("what is no array, or not all of it, is refused before memory is taken", "[npy]") {
  CHECK(npy_mistake("") == "x is no array of numpy's");
  CHECK_THAT(npy_mistake(npy("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "..")),
             optdnn::tests::contains_text("that is a pickle"));
  CHECK_THAT(npy_mistake(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }", "12345678")),
             optdnn::tests::contains_text("holds 8 bytes of numbers, and its shape says 8000000000000"));
  CHECK_THAT(npy_mistake(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999, 9999999999), }", "")),
             optdnn::tests::contains_text("far more"));
  CHECK(npy_mistake(npy("{'descr': '>f8', 'fortran_order': False, 'shape': (1,), }", "12345678")) ==
        "x has its bytes in the other order");
  CHECK_THAT(npy_mistake(npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", "12345678")),
             optdnn::tests::contains_text("fields of several types"));
  CHECK_THAT(npy_mistake(npy("__import__('os')", "")), optdnn::tests::contains_text("none of numpy's"));
  CHECK_THAT(npy_mistake(npy("{'descr': '<c16', 'fortran_order': False, 'shape': (0,), }", "")),
             optdnn::tests::contains_text("no type of numbers"));
}

TEST_CASE("an npz file with any byte changed, or cut anywhere, is refused or read, and never more than that", "[npy]") {
  const std::string sound = encode_npz({{{"x", torch::arange(6, torch::kFloat32).view({2, 3})}}, {{"t", {"a", "b"}}}});
  int refused = 0;
  for (size_t at = 0; at < sound.size(); ++at) {
    for (const bool cut : {false, true}) {
      std::string bytes = cut ? sound.substr(0, at) : sound;
      if (!cut) bytes[at] = static_cast<char>(bytes[at] ^ 0x5A);
      try {
        parse_npz(bytes, "a.npz");
      } catch (const base::EnvironmentError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > static_cast<int>(sound.size()));  // every cut, and most changes
}

}  // namespace
}  // namespace optdnn::data
