// What a call complains of: the text of the error of this kind that it throws, or "none".
#pragma once

#include <string>

#include "optdnn/base/errors.h"

namespace optdnn::tests {

template <class Error = base::Error, class Call>
std::string mistake_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

}  // namespace optdnn::tests
