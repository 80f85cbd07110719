// Memory of a device that nothing has used yet: LibTorch's allocator knows no device then.
#include "optdnn/base/device.h"

#include <c10/core/CachingDeviceAllocator.h>

#include "support/catch.h"

namespace optdnn::base {
namespace {

class FakeAllocator : public c10::DeviceAllocator {
 public:
  bool initialized() override { return is_used; }
  void emptyCache(c10::MempoolId_t = {0, 0}) override { need_device(); }
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override { return {}; }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {
    need_device();
    ++resets;
  }
  c10::DataPtr allocate(size_t) override { return {}; }
  void copy_data(void*, const void*, std::size_t) const override {}

  bool is_used = false;
  int resets = 0;

 private:
  void need_device() const { TORCH_CHECK(is_used, "Invalid device argument: did you call init?"); }
};

}  // namespace

TEST_CASE("the peak of a device that nothing has used yet is forgotten already") {
  static FakeAllocator allocator;  // as long as LibTorch may ask for it
  c10::SetAllocator(c10::DeviceType::PrivateUse1, &allocator);
  REQUIRE_NOTHROW(forget_peak_device_bytes("privateuseone:0"));
  REQUIRE(allocator.resets == 0);
  allocator.is_used = true;
  forget_peak_device_bytes("privateuseone:0");
  REQUIRE(allocator.resets == 1);
}

}  // namespace optdnn::base
