// The program's version and that of the LibTorch it runs on.
#pragma once

#include <string>

namespace optdnn::app {

std::string version_text();  // "optdnn 0.1.0 (LibTorch 2.13.0)"
std::string commit_text();   // "35493bd01234", with "+changes" where sources differed; "unknown" outside a clone

}  // namespace optdnn::app
