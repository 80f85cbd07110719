// Who may work in a run's folder.
#include "optdnn/experiment/claim.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>

#include "optdnn/base/errors.h"
#include "optdnn/base/files.h"
#include "optdnn/experiment/claim_holder.h"
#include "support/catch.h"
#include "support/temporary_folder.h"

namespace optdnn::experiment {
namespace {

namespace fs = std::filesystem;

std::string refusal_of_claim(const fs::path& folder) {
  try {
    Claim::take(folder);
    return "taken";
  } catch (const base::EnvironmentError& error) {
    return error.what();
  }
}

void leave_claim(const fs::path& folder, int generation, const std::string& text, int age_s) {
  const fs::path path = folder / ("claim-" + std::to_string(generation));
  std::ofstream(path) << text;
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::seconds(age_s));
}

Holder elsewhere() {
  Holder holder = this_process();
  holder.host = "another-machine";
  return holder;
}

}  // namespace

TEST_CASE("a live claim is refused by name, a released one is taken, and none is ever removed") {
  const TemporaryFolder folder;
  {
    const Claim claim = Claim::take(folder / "run");
    claim.check();
    const std::string message = refusal_of_claim(folder / "run");
    CAPTURE(message);
    REQUIRE(message.find("is in use by process " + std::to_string(::getpid()) + " on " + this_process().host) !=
            std::string::npos);
  }
  Claim::take(folder / "run");
  REQUIRE(fs::exists(folder / "run/claim-1"));
  REQUIRE(base::read_file(folder / "run/claim-2", 1000).ends_with("}\nreleased\n"));
}

TEST_CASE("the claim of a process that died is taken over at once") {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const Claim claim = Claim::take(folder.path());
    ::_exit(0);  // without releasing it
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(refusal_of_claim(folder.path()) == "taken");
  REQUIRE(fs::exists(folder / "claim-2"));
}

TEST_CASE("a claim of another machine holds for ten minutes of silence") {
  const TemporaryFolder folder;
  leave_claim(folder.path(), 7, elsewhere().line(), 500);
  REQUIRE(refusal_of_claim(folder.path()).find("on another-machine") != std::string::npos);
  leave_claim(folder.path(), 7, elsewhere().line(), 700);
  REQUIRE(refusal_of_claim(folder.path()) == "taken");
  REQUIRE(fs::exists(folder / "claim-8"));
}

TEST_CASE("a claim without its line is one that is being written, or was cut off long ago") {
  const TemporaryFolder folder;
  leave_claim(folder.path(), 1, "", 0);
  REQUIRE(refusal_of_claim(folder.path()).find("being taken by another process") != std::string::npos);
  leave_claim(folder.path(), 1, "{\"host\": \"a", 60);
  REQUIRE(refusal_of_claim(folder.path()) == "taken");
}

TEST_CASE("who was taken over finds out before it writes") {
  const TemporaryFolder folder;
  const Claim claim = Claim::take(folder.path());
  leave_claim(folder.path(), 2, elsewhere().line(), 0);
  REQUIRE_THROWS_AS(claim.check(), base::EnvironmentError);
}

TEST_CASE("what is known of a holder decides whether it is gone") {
  const Holder self = this_process();
  REQUIRE(read_holder(self.line())->line() == self.line());
  REQUIRE(!is_gone(self, self));
  Holder reused = self, rebooted = self, requeued = self, container = self;
  reused.started = "1";
  REQUIRE(is_gone(reused, self));
  rebooted.boot = "another";
  REQUIRE(is_gone(rebooted, self));
  container.started = "1";
  container.pid_namespace = "another";
  REQUIRE(!is_gone(container, self));
  Holder now = self;
  requeued.host = "another-node";
  requeued.slurm_job = now.slurm_job = "12";
  REQUIRE(!is_gone(requeued, now));
  now.slurm_restarts = 1;
  REQUIRE(is_gone(requeued, now));
}

// The winner keeps its claim until all have tried: one that comes late, on a busy machine, must not find it free.
TEST_CASE("of many processes that want a folder at once one gets it") {
  for (int round = 0; round < 5; ++round) {
    const TemporaryFolder folder;
    leave_claim(folder.path(), 1, elsewhere().line(), 700);
    int tried[2], go_on[2];
    REQUIRE(::pipe(tried) == 0);
    REQUIRE(::pipe(go_on) == 0);
    std::vector<pid_t> children;
    for (int i = 0; i < 8; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::close(go_on[1]);
        std::optional<Claim> claim;
        char answer = 'l';
        try {
          claim.emplace(Claim::take(folder.path()));
          answer = 'w';
        } catch (const FolderInUse&) {
        } catch (...) {
          answer = 'e';
        }
        char end = 0;
        const bool said = ::write(tried[1], &answer, 1) == 1 && ::read(go_on[0], &end, 1) == 0;
        ::_exit(said ? 0 : 1);
      }
      children.push_back(child);
    }
    std::string answers(8, ' ');
    for (char& answer : answers) REQUIRE(::read(tried[0], &answer, 1) == 1);
    ::close(go_on[1]);
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    for (const int end : {tried[0], tried[1], go_on[0]}) ::close(end);
    std::sort(answers.begin(), answers.end());
    REQUIRE(answers == "lllllllw");
    REQUIRE(fs::exists(folder / "claim-2"));
    REQUIRE(!fs::exists(folder / "claim-3"));
  }
}

TEST_CASE("a process that cannot be looked at is not gone") {
  const Holder self = this_process();
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);  // no file of /proc can be opened
  const bool gone = is_gone(self, self);
  ::setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(!gone);
  Holder unknown = self;
  unknown.started.clear();  // it could not look at itself
  REQUIRE(!is_gone(unknown, self));
}

}  // namespace optdnn::experiment
