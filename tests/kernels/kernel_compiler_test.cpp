// Kernels compiled by a stand-in for NVRTC (support/fake_nvrtc.cpp), and by NVRTC where OPTDNN_NVRTC names it.
#include "optdnn/kernels/kernel_compiler.h"

#include <cstdlib>

#include "support/catch.h"
#include "support/contains_text.h"
#include "support/temporary_folder.h"

using namespace optdnn;
using kernels::KernelCompiler;
using kernels::KernelStore;

namespace {

const std::vector<std::string> kFakeNvrtc{OPTDNN_FAKE_NVRTC};

size_t files_in(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

}  // namespace

TEST_CASE("a kernel is compiled with the file it is written in alone, for the architecture at hand") {
  const KernelCompiler compiler("sm_90", KernelStore(""), kFakeNvrtc);
  const auto made = compiler.compiled("batch_norm_relu<Half, 8>");
  CHECK(made.name == "_Zbatch_norm_relu<Half, 8>");
  CHECK_THAT(made.code, tests::contains_text("#include \"optdnn/kernels/gpu/batch_norm_relu.cuh\""));
  CHECK_THAT(made.code, !tests::contains_text("batch.cuh"));
  CHECK_THAT(made.code, tests::contains_text("--gpu-architecture=sm_90"));
  CHECK_THAT(compiler.compiled("watch_values").code, tests::contains_text("update.cuh"));
  CHECK_THROWS_WITH(compiler.compiled("batch_norm<Half, 8>"), tests::contains_text("none of this name"));
  CHECK_THROWS_WITH(compiler.compiled("combine<broken, 8, 1>"), tests::contains_text("this is broken"));
}

TEST_CASE("a kernel is compiled once for each architecture, whoever asks, where there is a folder") {
  const TemporaryFolder folder;
  const auto code = [&](const char* architecture, const std::filesystem::path& kept) {
    return KernelCompiler(architecture, KernelStore(kept), kFakeNvrtc).compiled("combine<Half, 8, 1>").code;
  };
  const std::string first = code("sm_90", folder / "kernels");
  CHECK(code("sm_90", folder / "kernels") == first);
  CHECK(code("sm_80", folder / "kernels") != first);
  CHECK(code("sm_90", folder / "kernels") == first);
  CHECK(files_in(folder / "kernels") == 2);
  CHECK(code("sm_90", "") != first);
}

TEST_CASE("NVRTC itself, where a variable names one, compiles kernels of every file to machine code") {
  const char* nvrtc = std::getenv("OPTDNN_NVRTC");
  if (!nvrtc) return;
  const TemporaryFolder folder;
  const KernelCompiler compiler("sm_90", KernelStore(folder.path()), {nvrtc});
  for (const char* kernel : {"assemble_batch", "batch_norm_statistics<Half, 8>", "cast<Half, float, 8>",
                             "combine_statistics<BFloat16, 8, 2>", "update_weights<Adam, 4>"}) {
    CAPTURE(kernel);
    CHECK_THAT(compiler.compiled(kernel).code, Catch::Matchers::StartsWith("\177ELF"));
    CHECK(compiler.compiled(kernel).name.starts_with("_Z"));
  }
  CHECK(files_in(folder.path()) == 5);
}

TEST_CASE("where there is no NVRTC, a compiler says what it has looked for") {
  CHECK_THROWS_WITH(KernelCompiler("sm_90", KernelStore(""), {"/no/libnvrtc.so"}),
                    tests::contains_text("/no/libnvrtc.so"));
}
