// Photographs that the user has: Imagenette is unpacked from a folder or archive of theirs, and verified.
#pragma once

#include <filesystem>

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::fetch {

// `from`: an archive (tar, gzip, xz, zstd), a folder {train,val}/<class>/<image>, or a folder with one of these or
// several archives in it. Everything lies in <data_root>/imagenette-160 afterwards, which appears when it is complete.
// Errors: EnvironmentError if images are missing or damaged, naming them; archives that lead out of the folder are
// refused.
void fetch_imagenette(const std::filesystem::path& data_root, const std::filesystem::path& from);

// Writes the images of an archive or a folder, as above, to <folder>/{train,val}/<class>/<image>. Errors: as above.
void unpack_photos(const std::filesystem::path& from, const std::filesystem::path& folder);

// For sets that may not be passed on. Errors: EnvironmentError, always, saying where the files go.
template <class Spec>
void refuse_fetch(const std::filesystem::path& data_root, const std::filesystem::path&) {
  throw base::EnvironmentError(base::concat("data set ", Spec::kName, " cannot be fetched"),
                               base::concat("put it into ", (data_root / Spec().folder).string(),
                                            "/{train,val}/<class>/<image>, or archives of that beside it"));
}

}  // namespace optdnn::fetch
