// Builds a Node tree from yaml-cpp's events. yaml-cpp lets pass what must not pass here, so duplicate keys, merge keys,
// tags, nulls, keys that are no text, looping aliases, depth and size are checked as the events come.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include "optdnn/base/diagnostics.h"
#include "optdnn/config/node.h"

namespace optdnn::config {

class TreeBuilder : public YAML::EventHandler {
 public:
  // Thrown when the tree is too deep or too large; the mistake is reported.
  struct Stopped {};

  // The events speak of source->text from byte `begin` on.
  TreeBuilder(std::shared_ptr<const base::SourceText> source, size_t begin, base::Diagnostics& diagnostics);

  const Node& root() const { return root_; }
  base::SourceSpan place(const YAML::Mark& mark) const { return span(offset_of(mark), 1); }
  // The bracket, key or dash the innermost unfinished list or map begins with; nullptr at the top.
  const base::SourceSpan* innermost_open() const { return frames_.empty() ? nullptr : &frames_.back().span; }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override;
  void OnMapEnd() override { close(); }

 private:
  // A list or map that is not finished.
  struct Frame {
    Node::Kind kind;
    base::SourceSpan span;
    YAML::anchor_t anchor;
    size_t size = 1;
    std::vector<Node> items;
    std::vector<Node::Entry> entries;
    std::unordered_map<std::string, int> key_lines;
    bool is_key = false;      // stands where its parent's key should
    bool is_garbled = false;  // has such a key: what else it holds is not worth a message
    bool has_key = false;     // a key waits for its value
    bool drop_value = false;  // the key was refused
    std::string key;
    base::SourceSpan key_span;
  };

  size_t offset_of(const YAML::Mark& mark) const;
  size_t value_offset(const YAML::Mark& mark) const;
  base::SourceSpan span(size_t offset, size_t length) const;
  Node::Style style_at(size_t offset) const;
  size_t closing_quote(size_t offset) const;  // npos: yaml-cpp reads on to the end of the file
  size_t written_length(size_t offset, Node::Style style, const std::string& value) const;
  bool wants_key() const {
    return !frames_.empty() && frames_.back().kind == Node::Kind::map && !frames_.back().has_key;
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag, bool is_plain);
  void open(Node::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
  void close();
  void take_key(const std::string& key, const base::SourceSpan& place, bool is_plain);
  void refuse_key(const base::SourceSpan& place, std::string message, std::string hint);
  // Adds a finished node to the list or map that is open.
  void add(Node node, const base::SourceSpan& place);

  std::shared_ptr<const base::SourceText> source_;
  size_t begin_;
  base::Diagnostics& diagnostics_;
  std::vector<size_t> line_starts_;
  std::vector<Frame> frames_;
  std::unordered_map<YAML::anchor_t, Node> anchors_;  // finished ones
  Node root_;
  int documents_ = 0;
};

}  // namespace optdnn::config
