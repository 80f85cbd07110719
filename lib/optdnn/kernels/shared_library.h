// Libraries that are found when the program runs.
#pragma once

#include <dlfcn.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace optdnn::kernels {

// The first of these that can be loaded. Errors: std::runtime_error with why none can.
inline void* open_library(const std::vector<std::string>& names) {
  std::string why;
  for (const std::string& name : names) {
    if (void* library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    why += (why.empty() ? "" : "; ") + std::string(::dlerror());
  }
  throw std::runtime_error(why);
}

// Errors: std::runtime_error where the library has no function of this name.
template <class Function>
void find_function(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(::dlsym(library, name));
  if (!function) throw std::runtime_error(std::string("CUDA has no ") + name);
}

}  // namespace optdnn::kernels
