// A table of texts on the terminal: widths, alignment, and cells wider than their column.
#include "optdnn/base/text_table.h"

#include "support/catch.h"

using optdnn::base::TextTable;

TEST_CASE("columns are as wide as their widest cell, those of numbers right-aligned, and no line ends in a space") {
  TextTable table({"row", "error", "note"});
  table.add({"apg2", "6.97"});
  table.add({"a", "12.5 %", "still running"});
  CHECK(table.text() ==
        "row    error  note\n"
        "apg2    6.97\n"
        "a     12.5 %  still running\n");
}

TEST_CASE("a cell wider than the widest column moves only its own line") {
  TextTable table({"key", "type", "help"}, 6);
  table.add({"a", "number", "one"});
  table.add({"a_long_key", "text", "two"});
  table.add({"b", "text", "three"});
  CHECK(table.text() ==
        "key     type    help\n"
        "a       number  one\n"
        "a_long_key  text  two\n"
        "b       text    three\n");
}
