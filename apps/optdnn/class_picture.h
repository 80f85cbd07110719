// What a classifier does, as a picture that stands alone (SVG): the confusion matrix, and how often it is right beside
// how sure it is.
#pragma once

#include <string>

namespace optdnn::experiment {
class ClassCounts;
}

namespace optdnn::app {

// Rows: the class a sample has; columns: the one it is given; the share of the row is the darkness of a cell.
std::string class_picture(const experiment::ClassCounts& counts, const std::string& title);

}  // namespace optdnn::app
