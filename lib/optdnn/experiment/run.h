// The runs of a row, one per seed, from data set to summary; a row with a search chooses its values first.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "optdnn/data/catalogue.h"
#include "optdnn/experiment/run_folder.h"
#include "optdnn/world/world.h"

namespace optdnn::experiment {

// Raised whenever the numbers of some experiment change, by more than the threads or the machine may change them.
inline constexpr int kNumerics = 3;

struct RunOptions {
  std::filesystem::path out = "runs";
  std::filesystem::path data = "data";  // of eval and predict: empty where the run's own is meant
  std::string device = "cpu";           // resolved
  int threads = 0;  // of an operation; 0: all cores for images, one for vectors, whose runs share all cores
  std::optional<int> loader_threads = {};  // not given: as many as the data set needs
  int loader_threads_of(const data::DataSet& dataset) const {
    return loader_threads.value_or(std::max(1, dataset.loader_threads() / processes_here));
  }
  bool resume = true;         // continue what is there
  bool retry_failed = false;  // go on with runs that diverged
  bool alone = false;         // every seed by itself, also where several could train as one network
  const world::World* world = &world::World::alone();  // whose processes train each run together
  bool shared = false;                                 // others take runs too: one that is theirs is left to them
  int processes_here = 1;                              // that share this machine's cores
  std::string executor;   // what every stage runs by (execution/executor.h); empty: the fastest that takes it
  bool no_graph = false;  // every iteration operator by operator, also where a GPU could replay it
  bool quiet = false;
  int terminal_columns = 0;  // of a progress bar; 0: plain lines instead
  bool extend = false;       // a run whose train.length grew goes on, where its numbers do not depend on the length
  std::string place;         // "row 3/40", of what is trained; empty where there is one row
  std::function<double(double left_s)> left_of_all = {};  // seconds, of all rows; may be empty
  std::function<bool()> stop_requested;
  std::function<double()> seconds;      // a clock that only rises
  std::function<double()> cpu_seconds;  // of all threads; may be empty
  double unix_time_s = 0;               // when the program began
  double begin_s = 0;                   // what `seconds` showed then
  std::string program_version, commit;
};

// Data sets of several rows, each read once.
class DataSets {
 public:
  using Make = std::function<std::unique_ptr<data::DataSet>(const data::DataSetSpec&)>;
  DataSets(std::filesystem::path root, std::string device);
  explicit DataSets(Make make) : make_(std::move(make)) {}
  const data::DataSet& get(const data::DataSetSpec& spec);

 private:
  Make make_;
  std::map<std::string, std::unique_ptr<data::DataSet>> sets_;  // by their resolved spec
};

// Sets the threads of an operation and those that share out runs: those asked for; else the cores, divided among the
// processes here, but one for the operations of a vector network, which are shorter than waking a second thread.
void set_threads(const RunOptions& options, const data::DataShape& shape);

struct RunOutcome {
  // elsewhere: it is another process's, where runs are shared.
  enum class Status { finished, was_finished, stopped, failed, elsewhere } status;
  uint64_t seed;
  std::exception_ptr error;  // why it failed: ConfigError, EnvironmentError, DivergedError, or a bug
  size_t number = 0;         // of the run among those that were asked for
};

// Trains seeds of a row, or continues what their folders hold: as one network where that can be (trains_as_one), else
// one after another. A stop leaves out the seeds that have not begun; one during the search leaves out all.
std::vector<RunOutcome> run(const Table& table, const Row& row, const std::vector<uint64_t>& seeds,
                            const RunOptions& options, DataSets& datasets);

}  // namespace optdnn::experiment
