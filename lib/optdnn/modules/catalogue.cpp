#include "optdnn/modules/catalogue.h"

#include "optdnn/base/errors.h"
#include "optdnn/base/text.h"

namespace optdnn::modules {

const base::NameTable<Sharing>& enum_names(Sharing) {
  static const base::NameTable<Sharing> table(
      "sharings", {
                      {"per_step", "every step has weights of its own", Sharing::per_step},
                      {"shared", "all steps of a stage use the same weights", Sharing::shared},
                  });
  return table;
}

std::string_view module_name(const ModuleSpec& spec) {
  return std::visit([](const auto& chosen) { return chosen.kName; }, spec);
}

Sharing module_sharing(const ModuleSpec& spec) {
  return std::visit([](const auto& chosen) { return chosen.sharing; }, spec);
}

Traits module_traits(const ModuleSpec& spec) {
  return std::visit([](const auto& chosen) { return chosen.traits(); }, spec);
}

void check_module(const ModuleSpec& spec, int64_t width, bool state_is_image) {
  const bool for_images = module_traits(spec).on_images;
  if (for_images != state_is_image) {
    throw base::ConfigError(
        base::concat("module '", module_name(spec), "' works on ", for_images ? "images" : "vectors",
                     ", but the state is ", state_is_image ? "an image" : "a vector"),
        for_images ? "for vectors: dense_two_layer" : "for images: conv_preact, conv_postact");
  }
  std::visit([&](const auto& chosen) { chosen.check(width); }, spec);
}

std::shared_ptr<Module> make_module(const ModuleSpec& spec, int64_t width, int64_t uses, bool state_is_image,
                                    Steps steps, std::optional<int64_t> inputs) {
  check_module(spec, width, state_is_image);
  if (!inputs || *inputs == width)
    return std::visit([&](const auto& chosen) { return chosen.make(width, uses, steps); }, spec);
  return std::visit(
      [&](const auto& chosen) -> std::shared_ptr<Module> {
        if constexpr (requires { chosen.make_from(*inputs, width, uses); }) {
          return chosen.make_from(*inputs, width, uses);
        }
        throw base::ConfigError(
            base::concat("module '", chosen.kName, "' keeps the width of its argument, but x[0] has ", *inputs,
                         " channels and the state ", width),
            "module: conv_single, conv_preact or conv_bottleneck_preact; or compression: growth");
      },
      spec);
}

Count count_module(const ModuleSpec& spec, int64_t width, const Extent& at, std::optional<int64_t> inputs) {
  return std::visit(
      [&](const auto& chosen) {
        if constexpr (requires { chosen.count_from(width, width, at); }) {
          return chosen.count_from(inputs.value_or(width), width, at);
        } else {
          return chosen.count(width, at);
        }
      },
      spec);
}

}  // namespace optdnn::modules
