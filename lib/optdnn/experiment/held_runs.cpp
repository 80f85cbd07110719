#include "optdnn/experiment/held_runs.h"

#include "optdnn/base/json_text.h"
#include "optdnn/base/log.h"
#include "optdnn/experiment/same_place.h"
#include "optdnn/training/checkpoint.h"

namespace optdnn::experiment {

namespace {

// Whether the folder holds this run, finished. Errors: as check_identity.
bool is_finished(const RunFolder& folder, const config::Node& resolved) {
  if (!std::filesystem::exists(folder.resolved())) return false;
  check_identity(folder, resolved);
  const auto summary = summary_of(folder);
  return value_in<std::string>(summary, "status", "") == "finished";
}

// Errors: DivergedError with what the run's summary says, if it diverged before.
void check_not_failed(const RunFolder& folder) {
  const auto summary = summary_of(folder);
  if (value_in<std::string>(summary, "status", "") != "diverged") return;
  throw base::DivergedError("diverged before: " + value_in<std::string>(summary, "error", ""),
                            "it is left alone; --retry failed goes on from its last checkpoint");
}

// Makes a run's folder ours. Returns the iteration it stands at, or nothing if the run is finished.
std::optional<int64_t> hold(const RunPlan& plan, size_t number, const RunOptions& options, HeldRuns& held) {
  const auto& [spec, seed, folder] = plan.runs[number];
  const config::Node resolved = resolved_run(spec, seed);
  if (options.resume && !options.extend && is_finished(folder, resolved)) return std::nullopt;
  Held& run = held.emplace(number, Held{resolved, Claim::take(folder.path)}).first->second;
  if (!options.resume) set_aside(folder, options.out, options.unix_time_s);
  if (options.extend) extend_run(folder, resolved);
  if (is_finished(folder, resolved)) {  // between the two looks
    held.erase(number);
    return std::nullopt;
  }
  check_identity(folder, resolved);
  if (!options.retry_failed && std::filesystem::exists(folder.resolved())) check_not_failed(folder);
  base::open_log_file(folder.path / "log.txt");
  const auto state = training::load_state(folder.checkpoints());
  run.begun = state.has_value();
  return state ? state->iteration : 0;
}

// What rank 0 found, to the others and by them.
std::string as_text(const Found& found, bool begun) {
  nlohmann::json json = {{"what", static_cast<int>(found.what)}, {"iteration", found.iteration}, {"begun", begun}};
  if (found.error) try {
      std::rethrow_exception(found.error);
    } catch (const base::Error& error) {
      json.update({{"code", static_cast<int>(error.code())}, {"message", error.what()}, {"hint", error.hint()}});
    } catch (const std::exception& error) {
      json.update({{"code", static_cast<int>(base::ExitCode::bug)}, {"message", error.what()}, {"hint", ""}});
    }
  return base::json_line(json);
}

Found from_text(const std::string& text, bool& begun) {
  const auto json = nlohmann::json::parse(text);
  Found found{static_cast<Found::What>(json.at("what").get<int>()), json.at("iteration").get<int64_t>(), nullptr};
  begun = json.at("begun").get<bool>();
  if (json.contains("code")) {
    found.error =
        std::make_exception_ptr(base::Error(static_cast<base::ExitCode>(json.at("code").get<int>()),
                                            json.at("message").get<std::string>(), json.at("hint").get<std::string>()));
  }
  return found;
}

Found look(const RunPlan& plan, size_t number, const RunOptions& options, HeldRuns& held) {
  using What = Found::What;
  try {
    const auto iteration = hold(plan, number, options, held);
    return iteration ? Found{What::to_train, *iteration, nullptr} : Found{What::finished, 0, nullptr};
  } catch (const FolderInUse&) {
    held.erase(number);
    return {options.shared ? What::elsewhere : What::failed, 0, std::current_exception()};
  } catch (...) {
    held.erase(number);
    return {What::failed, 0, std::current_exception()};
  }
}

}  // namespace

Found find(const RunPlan& plan, size_t number, const RunOptions& options, HeldRuns& held) {
  const world::World& world = *options.world;
  if (world.is_alone()) return look(plan, number, options, held);
  if (world.writes()) {
    const Found found = look(plan, number, options, held);
    world.give(as_text(found, held.contains(number) && held.at(number).begun));
    return found;
  }
  bool begun = false;
  const Found found = from_text(world.give(std::string()), begun);
  if (found.what == Found::What::to_train)
    held.emplace(number, Held{resolved_run(plan.runs[number].spec, plan.runs[number].seed), std::nullopt, begun});
  return found;
}

}  // namespace optdnn::experiment
