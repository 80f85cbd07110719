// Kernels that are kept on disk, and what may happen to their files.
#include "optdnn/kernels/kernel_store.h"

#include <map>

#include "optdnn/base/files.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using kernels::CompiledKernel;
using kernels::KernelStore;

namespace {

std::filesystem::path only_file_in(const std::filesystem::path& folder) {
  return std::filesystem::directory_iterator(folder)->path();
}

}  // namespace

TEST_CASE("a kept kernel is found by what it is made from, whatever bytes it has") {
  const TemporaryFolder folder;
  const KernelStore store(folder / "a/b");
  CHECK(!store.find("text"));
  const std::string code("\0\n\xff machine code\n", 17);
  store.keep("text", {"_Zname", code});
  store.keep("other text", {"", ""});
  const auto found = store.find("text");
  REQUIRE(found);
  CHECK(found->name == "_Zname");
  CHECK(found->code == code);
  CHECK(store.find("other text")->code.empty());
  CHECK(!store.find("texts"));
  store.keep("text", {"_Zname", "newer"});
  CHECK(store.find("text")->code == "newer");
}

TEST_CASE("a damaged file of a kernel is as if there were none, whichever byte is wrong or missing") {
  const TemporaryFolder folder;
  const KernelStore store(folder.path());
  store.keep("text", {"_Zname", "code"});
  const auto file = only_file_in(folder.path());
  const std::string whole = base::read_file(file, 1000);
  for (size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(i);
    std::string wrong = whole;
    wrong[i] ^= 1;
    base::write_file_atomically(file, wrong);
    CHECK(!store.find("text"));
    base::write_file_atomically(file, whole.substr(0, i));
    CHECK(!store.find("text"));
  }
  base::write_file_atomically(file, whole);
  CHECK(store.find("text"));
}

TEST_CASE("a file of a kernel may not name more bytes than there are, nor be huge") {
  const TemporaryFolder folder;
  const KernelStore store(folder.path());
  store.keep("text", {"_Zname", "code"});
  const auto file = only_file_in(folder.path());
  for (const std::string rest : {"11\n_Zname", "-1\n_Zname", "18446744073709551616\n_Zname", "6 \n_Zname", "x", ""}) {
    CAPTURE(rest);
    base::write_file_atomically(file, "optdnn kernel 1 " + base::sha256_hex(rest) + "\n" + rest);
    CHECK(!store.find("text"));
  }
  std::filesystem::resize_file(file, uint64_t{1} << 33);
  CHECK(!store.find("text"));
}

TEST_CASE("where nothing can be written, or there is no folder, kernels are not kept, and no one is told") {
  const TemporaryFolder folder;
  base::write_file_atomically(folder / "file", "not a folder");
  for (const std::filesystem::path& path : {folder / "file/kernels", std::filesystem::path()}) {
    const KernelStore store(path);
    store.keep("text", {"_Zname", "code"});
    CHECK(!store.find("text"));
  }
}

TEST_CASE("kernels are kept where a variable says, else in the user's folder for such files, or nowhere") {
  const auto folder = [](const std::map<std::string, const char*>& variables) {
    return kernels::users_kernel_folder([&](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second;
    });
  };
  CHECK(folder({{"XDG_CACHE_HOME", "/c"}, {"HOME", "/h"}}) == "/c/optdnn/kernels");
  CHECK(folder({{"XDG_CACHE_HOME", "relative"}, {"HOME", "/h"}}) == "/h/.cache/optdnn/kernels");
  CHECK(folder({{"OPTDNN_KERNELS", ""}, {"HOME", "/h"}}) == "/h/.cache/optdnn/kernels");
  CHECK(folder({{"HOME", "h"}}).empty());
  CHECK(folder({}).empty());
  CHECK(folder({{"OPTDNN_KERNELS", "/k"}, {"HOME", "/h"}}) == "/k");
  CHECK(folder({{"OPTDNN_KERNELS", "k"}}).is_absolute());
  CHECK(folder({{"OPTDNN_KERNELS", "off"}, {"HOME", "/h"}}).empty());
}
