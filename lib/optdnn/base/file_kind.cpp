#include "optdnn/base/file_kind.h"

namespace optdnn::base {

constexpr std::string_view kPickleCure =
    "programs can hide in a pickle, so none is read; in Python: "
    "safetensors.torch.save_file(torch.load(FILE, weights_only=True), TO)";

namespace {

using namespace std::string_view_literals;

struct Signature {
  size_t offset;
  std::string_view bytes;
  FileKind kind;
};

constexpr std::string_view kPicture = "convert it to JPEG or PNG";
constexpr std::string_view kUnpack = "unpack it first";
constexpr std::string_view kDownload = "a download brought an answer of the server instead; get the file again";

// Longer signatures first where one begins like another.
constexpr Signature kSignatures[] = {
    {0, "version https://git-lfs.github.com/spec/", {"a Git LFS pointer, not the file itself", "`git lfs pull`"}},
    {0, "<!DOCTYPE html", {"an HTML page", kDownload}},
    {0, "<!doctype html", {"an HTML page", kDownload}},
    {0, "<html", {"an HTML page", kDownload}},
    {0, "<?xml", {"an XML text", kDownload}},
    {0, "\x80\2", {"a pickle", kPickleCure}},
    {0, "\x80\3", {"a pickle", kPickleCure}},
    {0, "\x80\4", {"a pickle", kPickleCure}},
    {0, "\x80\5", {"a pickle", kPickleCure}},
    {0, "\x89HDF\r\n\x1a\n", {"an HDF5 file", "convert its tensors to safetensors"}},
    {0,
     "\x93NUMPY",
     {"a NumPy array", "data set `arrays` takes an .npz file of inputs x and targets y, by numpy.savez"}},
    {0, "PK\3\4", {kZipArchive, "unpack it first; if it is an .npz file, data set `arrays` takes it"}},
    {0, "\x1f\x8b", {"compressed by gzip", "gunzip it first"}},
    {0, "BZh", {"compressed by bzip2", kUnpack}},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     {"compressed by xz", kUnpack}},
    {0, "\x28\xb5\x2f\xfd", {"compressed by zstd", kUnpack}},
    {0, "7z\xbc\xaf\x27\x1c", {"a 7z archive", kUnpack}},
    {0, "Rar!", {"a RAR archive", kUnpack}},
    {257, "ustar", {kTarArchive, kUnpack}},
    {0, "\0\5\x16\7"sv, {"an AppleDouble file, which macOS writes beside others", "remove it"}},
    {0, "\xff\xd8\xff", {"a JPEG picture", "another file is wanted"}},
    {0, "\x89PNG\r\n\x1a\n", {"a PNG picture", "another file is wanted"}},
    {8, "WEBP", {"a WebP picture", kPicture}},
    {0, "GIF8", {"a GIF picture", kPicture}},
    {0, "II*\0"sv, {"a TIFF picture", kPicture}},
    {0, "MM\0*"sv, {"a TIFF picture", kPicture}},
    {0, "\0\0\0\x0cjP  "sv, {"a JPEG 2000 picture", kPicture}},
    {0, "\xff\x0a", {"a JPEG XL picture", kPicture}},
    {4, "ftyp", {"a picture or film of the HEIF and MP4 family", kPicture}},
    {0, "BM", {"a BMP picture", kPicture}},
    {0, "%PDF", {"a PDF document", "another file is wanted"}},
};

}  // namespace

const FileKind* file_kind(std::string_view bytes) {
  for (const Signature& signature : kSignatures) {
    if (bytes.size() >= signature.offset && bytes.substr(signature.offset).starts_with(signature.bytes))
      return &signature.kind;
  }
  return nullptr;
}

}  // namespace optdnn::base
