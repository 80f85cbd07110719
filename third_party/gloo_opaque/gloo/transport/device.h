// Named and left open: see ../../README.md.
#pragma once

namespace gloo::transport {
class Device;
}
