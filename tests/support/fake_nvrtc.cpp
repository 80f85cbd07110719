// NVRTC's interface without a compiler, as a library that programs load: the code of a kernel is its program and
// options, and the number of the compilation. A kernel whose name has "broken" in it does not compile.
#include <cstring>
#include <string>

namespace {

struct Program {
  std::string source, name, lowered, code;
};

Program* of(void* program) { return static_cast<Program*>(program); }

int compilations = 0;
constexpr char kLog[] = "this is broken";

}  // namespace

extern "C" {

int nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return 0;
}
int nvrtcCreateProgram(void** program, const char* source, const char*, int headers, const char* const*,
                       const char* const*) {
  *program = new Program{source, "", "", ""};
  return headers > 0 ? 0 : 1;
}
int nvrtcAddNameExpression(void* program, const char* name) {
  of(program)->name = name;
  return 0;
}
int nvrtcCompileProgram(void* program, int count, const char* const* options) {
  Program& all = *of(program);
  if (all.name.find("broken") != std::string::npos) return 6;  // NVRTC_ERROR_COMPILATION
  all.lowered = "_Z" + all.name;
  all.code = "compilation " + std::to_string(++compilations) + "\n" + all.source;
  for (int i = 0; i < count; ++i) all.code += options[i] + std::string("\n");
  return 0;
}
int nvrtcGetProgramLogSize(void*, size_t* bytes) {
  *bytes = sizeof kLog;
  return 0;
}
int nvrtcGetProgramLog(void*, char* log) {
  std::memcpy(log, kLog, sizeof kLog);
  return 0;
}
int nvrtcGetLoweredName(void* program, const char*, const char** lowered) {
  *lowered = of(program)->lowered.c_str();
  return 0;
}
int nvrtcGetCUBINSize(void* program, size_t* bytes) {
  *bytes = of(program)->code.size();
  return 0;
}
int nvrtcGetCUBIN(void* program, char* code) {
  std::memcpy(code, of(program)->code.data(), of(program)->code.size());
  return 0;
}
int nvrtcDestroyProgram(void** program) {
  delete of(*program);
  return 0;
}
const char* nvrtcGetErrorString(int) { return "error of NVRTC"; }
}
