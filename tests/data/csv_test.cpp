// CSV files: cells as RFC 4180 has them, and mistakes with their lines.
#include "optdnn/data/csv.h"

#include "optdnn/data/csv_columns.h"
#include "support/catch.h"
#include "support/mistake.h"

namespace optdnn::data {
namespace {

using Cells = std::vector<std::string>;

std::string csv_mistake(const std::string& text) {
  return tests::mistake_of<base::EnvironmentError>([&] { parse_csv(text, "t.csv"); });
}

TEST_CASE("cells of a CSV file: quotes, line ends, a byte order mark, empty lines", "[csv]") {
  const CsvFile file = parse_csv(
      "\xEF\xBB\xBF"
      "a, b ,\"c,\"\"d\"\"\"\r\n1,\"two\nlines\",\r\n\r\n\"\",x,3",
      "t.csv");
  CHECK(file.header == Cells{"a", "b", "c,\"d\""});
  CHECK(file.cells == Cells{"1", "two\nlines", "", "", "x", "3"});
  CHECK(file.lines == std::vector<int64_t>{2, 5});
  CHECK(file.place(1, 2) == "t.csv:5: column 'c,\"d\"'");
  CHECK(parse_csv("a;b\n1,5;2\n", "t.csv", ';').cells == Cells{"1,5", "2"});
}

TEST_CASE("what is no table is refused at its line", "[csv]") {
  CHECK(csv_mistake("") == "t.csv is empty");
  CHECK(csv_mistake("a,b\n") == "t.csv has a line of names and no rows");
  CHECK(csv_mistake("a,b\n1,2\n3\n") == "t.csv:3: the row has 1 cell, and the line of names 2");
  CHECK(csv_mistake("a,\n1,2\n") == "t.csv:1: column 2 has no name");
  CHECK(csv_mistake("a,a\n1,2\n") == "t.csv:1: two columns have the name 'a'");
  CHECK(csv_mistake("a,b\n1,\"2\n3,4\n") == "t.csv:2: the quote that opens here is never closed");
  CHECK(csv_mistake("a,b\n1,\"2\"3\n") == "t.csv:2: text after a closing quote");
  CHECK(csv_mistake("a,b\n1,2\ncaf\xE9,3\n") == "t.csv:3: a byte that is not UTF-8");
  CHECK(csv_mistake("a;b\n1;2\n") == "t.csv:1: the line of names has one column");
  CHECK(csv_mistake(std::string("a,b\n1,\0\n", 8)) == "t.csv:2: a zero byte; this is no text");
}

TEST_CASE("a column is of integers, real numbers or text, and knows its missing cells", "[csv]") {
  const CsvFile file = parse_csv("i,r,t,m\n1,1,1,NA\n-2,1e3,x,2\n3,.5,3,\n", "t.csv");
  const auto of = [&](int64_t column) { return look_at_column(file, column); };
  CHECK(of(0).type == CellType::integer);
  CHECK(of(1).type == CellType::real);
  CHECK(of(2).type == CellType::text);
  CHECK(of(2).first_text == 1);
  CHECK(of(3).type == CellType::integer);
  CHECK(of(3).missing == 2);
  CHECK(of(3).first_missing == 0);
  CHECK(column_numbers(file, 1) == std::vector<double>{1, 1000, 0.5});
  CHECK_THROWS_WITH(column_numbers(file, 3), "t.csv:2: column 'm' has no value");
  CHECK_THROWS_WITH(column_numbers(file, 2), "t.csv:3: column 't' holds 'x', which is no finite number");
  CHECK_FALSE(cell_number("1e999"));
  CHECK_FALSE(cell_number("0x10"));
  CHECK_FALSE(cell_number("inf"));
}

}  // namespace
}  // namespace optdnn::data
