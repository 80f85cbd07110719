#include "version.h"

#include "optdnn/base/device.h"
#include "optdnn/base/text.h"
#include "optdnn_commit.h"

namespace optdnn::app {

std::string version_text() {
  return base::concat("optdnn ", OPTDNN_VERSION, " (LibTorch ", base::torch_version(), ")");
}

std::string commit_text() { return OPTDNN_COMMIT; }

}  // namespace optdnn::app
