// The scripts of the project that commands run: those beside an installed program, else those of the source tree.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace optdnn::app {

std::filesystem::path scripts_folder();

// Runs scripts/<name> with these words, by the Python of the project's .venv where there is one that has `package`,
// else by python3. Its output is the program's. Returns its exit code, 128 + signal if it was killed.
// Errors: EnvironmentError if there is no Python.
int run_script(const std::string& name, const std::vector<std::string>& words, const std::string& package);

// Runs this program once more with these words. Returns as above.
int run_itself(const std::vector<std::string>& words);

}  // namespace optdnn::app
