// From bytes of a source to lines and columns, and from a scalar's text back to the bytes it was written with.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "optdnn/base/diagnostics.h"
#include "optdnn/config/node.h"

namespace optdnn::config {

// The span of `length` bytes from `offset`, cut at the end of its line.
base::SourceSpan place_of(const std::shared_ptr<const base::SourceText>& source, size_t offset, size_t length);

// Where in `source` the byte `offset` of a scalar's `text` stands, the scalar being written at `written_at`; none where
// writing and text differ before it (escapes, folded lines).
std::optional<size_t> offset_in_source(std::string_view source, size_t written_at, std::string_view text,
                                       Node::Style style, size_t offset);

}  // namespace optdnn::config
