// Any bytes as a CSV file: refused as one, or as many cells as its rows and columns say.
#include "optdnn/data/csv.h"

#include <cstdlib>

#include "optdnn/base/errors.h"
#include "optdnn/data/csv_columns.h"

using namespace optdnn;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const data::CsvFile file = data::parse_csv({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (file.rows() * file.columns() != static_cast<int64_t>(file.cells.size())) std::abort();
    for (int64_t column = 0; column < file.columns(); ++column) data::look_at_column(file, column);
  } catch (const base::EnvironmentError&) {
  }
  return 0;
}
