// Data of one's own: what is learnt from which columns and arrays, how samples are divided and standardised.
#include "optdnn/data/own_data.h"

#include <fstream>
#include <set>

#include "optdnn/base/errors.h"
#include "optdnn/data/catalogue.h"
#include "optdnn/data/write_npz.h"
#include "support/catch.h"
#include "support/contains_text.h"
#include "support/mistake.h"
#include "support/temporary_folder.h"

namespace optdnn::data {
namespace {

// 30 flowers of three kinds, their widths around 10, 20 and 30.
std::string flowers(const std::string& last = "") {
  std::string text = "id,width,height,kind\n";
  for (int i = 0; i < 30; ++i) {
    text += std::to_string(i) + "," + std::to_string(10 * (i % 3 + 1) + i % 5) + ",0.5," +
            (i % 3 == 0   ? "rose"
             : i % 3 == 1 ? "lily"
                          : "tulip") +
            "\n";
  }
  return text + last;
}

struct Written {
  TemporaryFolder folder;
  TableSpec spec;
  explicit Written(const std::string& text) {
    write("t.csv", text);
    spec.file.path = (folder / "t.csv").string();
    spec.target = "kind";
    spec.drop = {"id"};
    spec.own.test_fraction = 0.2;
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder / name) << text; }
};

std::string own_mistake(const TableSpec& spec) {
  const std::string what = tests::mistake_of([&] { read_own_data(spec); });
  const size_t name = what.find("t.csv");
  return name == std::string::npos ? what : what.substr(name);
}

TEST_CASE("a table: texts are classes, the test set is stratified, inputs are standardised by the training set",
          "[own]") {
  Written t(flowers());
  const OwnData data = read_own_data(t.spec);
  CHECK(data.task == Task::classification);
  CHECK(data.classes == std::vector<std::string>{"lily", "rose", "tulip"});
  CHECK(data.columns == std::vector<std::string>{"width", "height"});
  CHECK(data.train.size() == 24);
  CHECK(torch::bincount(data.test.targets).equal(torch::tensor({2, 2, 2}, torch::kInt64)));

  const auto set = t.spec.make({});
  std::vector<int64_t> all(24);
  for (int64_t i = 0; i < 24; ++i) all[i] = i;
  const Batch batch = set->batch(Split::train, 0, 0, all);
  CHECK(batch.inputs.select(1, 0).mean().abs().item<double>() < 1e-6);
  CHECK(batch.inputs.select(1, 0).square().mean().item<double>() == Approx(1).epsilon(1e-5));
  CHECK(batch.inputs.select(1, 1).abs().max().item<double>() == 0);  // a column that does not vary
  CHECK(set->class_names() == data.classes);

  // Other samples, with their columns in another order and no target, become the same inputs.
  t.write("new.csv", "height,more,width\n0.5,x,10\n");
  const torch::Tensor fresh = read_own_samples(t.spec, t.folder / "new.csv", set->preparation()).inputs;
  const Preparation p = set->preparation();
  CHECK(fresh[0][0].item<double>() == Approx((10 - p.mean[0]) / p.deviation[0]));
  const Preparation again = read_preparation(p.json(), "x");
  CHECK(again.json() == p.json());
}

TEST_CASE("the split is drawn from split_seed alone, and no sample is in both parts", "[own]") {
  Written t(flowers());
  t.spec.drop = {};
  const auto ids = [&](uint64_t seed) {
    t.spec.own.split_seed = seed;
    const OwnData data = read_own_data(t.spec);
    std::set<double> train, test;
    for (int64_t i = 0; i < data.train.size(); ++i) train.insert(data.train.inputs[i][0].item<double>());
    for (int64_t i = 0; i < data.test.size(); ++i) test.insert(data.test.inputs[i][0].item<double>());
    CHECK(train.size() == 24);
    CHECK(test.size() == 6);
    for (const double id : test) CHECK_FALSE(train.contains(id));
    return test;
  };
  CHECK(ids(0) == ids(0));
  CHECK(ids(0) != ids(1));
}

TEST_CASE("reals are a regression whose errors are in their own units", "[own]") {
  Written t("x,y\n0,100.5\n1,110\n2,120\n3,130\n4,140\n");
  t.spec.target = "y";
  t.spec.drop = {};
  const auto set = t.spec.make({});
  REQUIRE(set->shape().regression);
  const Preparation p = set->preparation();
  const Batch batch = set->batch(Split::test, 0, 0, {0});
  const double value = batch.targets[0][0].item<double>() * p.target_deviation[0] + p.target_mean[0];
  CHECK(value >= 100);
  CHECK(value <= 140.001);
}

TEST_CASE("mistakes in a table are named with their cell", "[own]") {
  CHECK(own_mistake(Written(flowers("30,,1,rose\n")).spec) == "t.csv:32: column 'width' has no value");
  CHECK(own_mistake(Written(flowers("30,1,1,NA\n")).spec) == "t.csv:32: column 'kind' has no value");
  CHECK(own_mistake(Written(flowers("30,wide,1,rose\n")).spec) ==
        "t.csv:32: column 'width' holds 'wide', which is no finite number");
  Written t(flowers());
  t.spec.target = "kin";
  CHECK(own_mistake(t.spec) == "t.csv has no column 'kin'");
  t.spec.target = "kind";
  t.spec.own.task = Task::regression;
  CHECK(own_mistake(t.spec) == "t.csv:2: column 'kind' holds 'rose', and a regression learns numbers");
  t.spec.own.task.reset();
  t.spec.own.test_fraction.reset();
  t.write("test.csv", "width,height,kind\n1,2,cactus\n");
  t.spec.test = FilePath{(t.folder / "test.csv").string()};
  CHECK_THAT(own_mistake(t.spec),
             optdnn::tests::contains_text("is the class 'cactus', which the training set does not"));
}

TEST_CASE("integers that are written in two ways are one class", "[own]") {
  std::string text = "id,width,height,kind\n";
  for (int i = 0; i < 20; ++i)
    text += std::to_string(i) + ",1,2," + (i % 4 == 0 ? "01" : i % 2 == 0 ? "1" : "2") + "\n";
  const OwnData data = read_own_data(Written(text).spec);
  CHECK(data.classes == std::vector<std::string>{"1", "2"});
}

TEST_CASE("values whose deviation is beyond every number are refused with their column", "[own]") {
  const Written t(flowers("30,1,1.7976931348623157e308,rose\n"));
  CHECK(tests::mistake_of([&] { t.spec.make({}); }) ==
        "the inputs' column 'height' has values so large that their deviation is no number");
}

TEST_CASE("files that have changed since they were looked at are refused", "[own]") {
  Written t(flowers());
  DataSetSpec spec = t.spec;
  look_at_files(spec, "data");
  const auto& found = std::get<TableSpec>(spec);
  REQUIRE(found.own.found);
  CHECK(dataset_shape(spec).input == std::vector<int64_t>{2});
  CHECK(dataset_shape(spec).outputs == 3);
  t.write("t.csv", flowers("30,1,1,rose\n"));
  CHECK_THROWS_AS(found.make({}), base::EnvironmentError);
}

TEST_CASE("arrays: vectors and images, classes from integers and texts, a file or a folder", "[own]") {
  TemporaryFolder folder;
  const auto write = [&](const std::string& name, const torch::Tensor& x, const torch::Tensor& y) {
    write_npz(folder / name, {{{"x", x}, {"y", y}}, {{"words", {"b", "a", "b", "a", "b", "a", "b", "a"}}}});
    return FilePath{(folder / name).string()};
  };
  ArraysSpec spec;
  spec.train = write("a.npz", torch::rand({8, 3}), torch::tensor({7, 9, 7, 9, 7, 9, 7, 9}, torch::kInt64));
  spec.own.test_fraction = 0.25;
  OwnData data = read_own_data(spec);
  CHECK(data.classes == std::vector<std::string>{"7", "9"});
  CHECK(data.train.size() == 6);
  spec.targets = "words";
  CHECK(read_own_data(spec).classes == std::vector<std::string>{"a", "b"});
  spec.targets = "y";
  const Preparation preparation = spec.make({})->preparation();
  write("other.npz", torch::rand({8, 5}), torch::rand({8}));
  CHECK_THROWS_WITH(read_own_samples(spec, folder / "other.npz", preparation),
                    tests::contains_text("has the shape 8 x 5, and the run's samples have 3 numbers each"));
  spec.train = write("b.npz", torch::rand({8, 3}), torch::rand({8, 2}));
  data = read_own_data(spec);
  CHECK(data.task == Task::regression);
  CHECK(data.train.targets.size(1) == 2);
  spec.train = write("c.npz", torch::rand({8, 4, 4, 3}), torch::tensor({7, 9, 7, 9, 7, 9, 7, 9}, torch::kInt64));
  CHECK(spec.make({})->shape().input == std::vector<int64_t>{4, 4, 3});
}

TEST_CASE("an array with a value that is not finite is refused at its place", "[own]") {
  TemporaryFolder folder;
  torch::Tensor x = torch::rand({4, 2});
  x[2][1] = std::numeric_limits<float>::quiet_NaN();
  write_npz(folder / "a.npz", {{{"x", x}, {"y", torch::tensor({0, 1, 0, 1}, torch::kInt64)}}, {}});
  ArraysSpec spec;
  spec.train.path = (folder / "a.npz").string();
  spec.own.test_fraction = 0.5;
  CHECK_THROWS_WITH(read_own_data(spec), optdnn::tests::contains_text("x[2, 1] is not finite"));
}

}  // namespace
}  // namespace optdnn::data
