#include "version.h"

#include "optdnn/base/device.h"
#include "optdnn/base/text.h"

namespace optdnn::app {

std::string version_text() {
  return base::concat("optdnn ", OPTDNN_VERSION, " (LibTorch ", base::torch_version(), ")");
}

}  // namespace optdnn::app
