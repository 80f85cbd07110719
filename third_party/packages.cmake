# The vocabulary of the build files.
#   optdnn_package(<name> [TORCH] DEPENDS <targets>)   the library of the folder lib/optdnn/<name>
#   optdnn_fast_loops(<name> <file>)                   a file of the package that holds loops over plain memory
#   optdnn_loops_for(<file> <options>...)              loops for one kind of x86-64 processor, with these options
#   optdnn_kernel_texts(<name> <folder>)               the texts of a folder, which a GPU's compiler reads at run time
#   optdnn_test(<name> [TORCH] DEPENDS <targets>)      the test program of the folder tests/<name>
#   optdnn_python_test(<name> <script>)                a test in Python, which is told where sources and program are
#   optdnn_fuzz_target(<name> DEPENDS <targets>)       tests/fuzz/<name>.cpp with libFuzzer, or replaying its corpus
# Every .cpp of the folder belongs to it. TORCH links LibTorch and shares one precompiled <torch/torch.h>.

function(optdnn_use_torch target)
  target_link_libraries(${target} PUBLIC optdnn::torch)
  if(TARGET optdnn_device AND NOT target STREQUAL optdnn_device)
    target_precompile_headers(${target} REUSE_FROM optdnn_device)
  else()
    target_precompile_headers(${target} PRIVATE <torch/torch.h>)
  endif()
endfunction()

function(optdnn_package name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPENDS;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  endif()
  if(NOT ARG_SOURCES)  # headers alone
    set(ARG_SOURCES ${CMAKE_CURRENT_BINARY_DIR}/${name}_empty.cpp)
    file(TOUCH ${ARG_SOURCES})
  endif()
  add_library(optdnn_${name} STATIC ${ARG_SOURCES})
  target_include_directories(optdnn_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/lib> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(optdnn_${name} PRIVATE optdnn_options PUBLIC ${ARG_DEPENDS})
  if(ARG_TORCH)
    optdnn_use_torch(optdnn_${name})
  endif()
endfunction()

# With OpenMP, where there is one, at::parallel_for shares the loops among LibTorch's threads; without, it runs them in
# turn.
function(optdnn_fast_loops name file)
  set(openmp "")
  if(OpenMP_CXX_FOUND)
    set(openmp ${OpenMP_CXX_FLAGS})
  endif()
  set_source_files_properties(${file} PROPERTIES
    COMPILE_OPTIONS "-O3;${openmp}" SKIP_PRECOMPILE_HEADERS ON)
  target_link_options(optdnn_${name} PUBLIC ${openmp})
endfunction()

# Elsewhere than on x86-64 the file is compiled as any other; who calls it asks at run time what the processor is.
function(optdnn_loops_for file)
  set(options -O3 -ffp-contract=fast -Wno-psabi)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Partial redundancy elimination moves the addresses of unrolled loops to where they do not fit into registers.
    list(APPEND options -fno-tree-pre)
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    list(APPEND options ${ARGN})
  endif()
  set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS "${options}" SKIP_PRECOMPILE_HEADERS ON)
endfunction()

# As kernel_texts() of kernels/launcher.h.
function(optdnn_kernel_texts name folder)
  file(GLOB texts CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/lib ${folder}/*.h ${folder}/*.cuh)
  set(rows "")
  foreach(text ${texts})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lib/${text})
    file(READ ${CMAKE_SOURCE_DIR}/lib/${text} content)
    string(APPEND rows "      {\"${text}\", R\"optdnn(${content})optdnn\"},\n")
  endforeach()
  file(CONFIGURE OUTPUT kernel_texts.cpp CONTENT "// Written by CMake.
#include \"optdnn/kernels/launcher.h\"

namespace optdnn::kernels {

const std::vector<KernelText>& kernel_texts() {
  static const std::vector<KernelText> texts = {
@rows@  };
  return texts;
}

}  // namespace optdnn::kernels
" @ONLY)
  target_sources(optdnn_${name} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/kernel_texts.cpp)
endfunction()

function(optdnn_test name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE optdnn_options optdnn_test_main ${ARG_DEPENDS})
  target_compile_definitions(test_${name} PRIVATE OPTDNN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  if(ARG_TORCH)
    optdnn_use_torch(test_${name})
  endif()
  add_test(NAME ${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
endfunction()

# Which Python it is, is settled when the test runs: .venv may be younger than the configuration.
function(optdnn_python_test name script)
  add_test(NAME ${name} COMMAND ${CMAKE_SOURCE_DIR}/scripts/python -B ${CMAKE_CURRENT_SOURCE_DIR}/${script})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT
    "OPTDNN_SOURCE_DIR=${CMAKE_SOURCE_DIR};OPTDNN_BUILD_DIR=${CMAKE_BINARY_DIR};OPTDNN_PROGRAM=$<TARGET_FILE:optdnn>")
endfunction()

function(optdnn_fuzz_target name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  add_executable(fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp)
  target_link_libraries(fuzz_${name} PRIVATE optdnn_options ${ARG_DEPENDS})
  if(OPTDNN_FUZZ)
    if(NOT TARGET fuzz)
      add_custom_target(fuzz)  # all of them, and no more of the project than they need
    endif()
    add_dependencies(fuzz fuzz_${name})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/replay.cc)
    add_test(NAME fuzz_${name}_corpus COMMAND fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name}
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
endfunction()
