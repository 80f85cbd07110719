# Finds LibTorch and defines optdnn::torch from its headers and shared libraries. Order: OPTDNN_TORCH (a LibTorch folder
# or a Python), Torch_DIR, CMAKE_PREFIX_PATH, the project's own venv, the current Python.
# Choice: no find_package(Torch). The configuration inside a CUDA wheel stops where there is no CUDA toolkit, which
# nothing here needs: no file compiles CUDA. One target of our own serves CPU and CUDA builds alike.
set(OPTDNN_TORCH "$ENV{OPTDNN_TORCH}" CACHE STRING "a LibTorch folder, or a Python interpreter that has torch")
set(OPTDNN_TORCH_FLOOR 2.11)

# The folder of the package torch of a Python, without importing it; empty if it has none.
function(optdnn_torch_of_python python result)
  execute_process(
    COMMAND ${python} -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
    OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    set(folder "")
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

# The version of the LibTorch in a folder; empty if there is none.
function(optdnn_torch_version folder result)
  set(version "")
  set(header ${folder}/include/torch/headeronly/version.h)
  if(NOT EXISTS ${header})
    set(header ${folder}/include/torch/csrc/api/include/torch/version.h)
  endif()
  if(EXISTS ${header} AND EXISTS ${folder}/lib/libtorch.so)
    file(STRINGS ${header} lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
    string(REGEX REPLACE "[^0-9;]" "" version "${lines}")
    string(REPLACE ";" "." version "${version}")
  endif()
  set(${result} "${version}" PARENT_SCOPE)
endfunction()

if(OPTDNN_TORCH)
  get_filename_component(named "${OPTDNN_TORCH}" ABSOLUTE BASE_DIR ${CMAKE_SOURCE_DIR})
  if(NOT IS_DIRECTORY "${named}")
    optdnn_torch_of_python("${OPTDNN_TORCH}" named)
  endif()
  optdnn_torch_version("${named}" version)
  if(NOT version)
    message(FATAL_ERROR "OPTDNN_TORCH=${OPTDNN_TORCH} is neither a LibTorch folder nor a Python that has torch")
  endif()
  set(places "${named}")
else()
  set(places "")
  foreach(prefix ${Torch_DIR} ${CMAKE_PREFIX_PATH})  # a LibTorch folder, or its share/cmake or share/cmake/Torch
    list(APPEND places ${prefix} ${prefix}/../.. ${prefix}/../../..)
  endforeach()
  foreach(python ${CMAKE_SOURCE_DIR}/.venv/bin/python python3)
    optdnn_torch_of_python(${python} folder)
    list(APPEND places ${folder})
  endforeach()
endif()

set(torch_folder "")
set(too_old "")
foreach(place ${places})
  optdnn_torch_version("${place}" version)
  if(version AND version VERSION_LESS OPTDNN_TORCH_FLOOR)
    string(APPEND too_old "; ${place} has only ${version}")
  elseif(version)
    get_filename_component(torch_folder "${place}" ABSOLUTE)
    set(torch_version ${version})
    break()
  endif()
endforeach()

if(NOT torch_folder)
  string(CONCAT advice "pip install torch==2.13.0 into .venv, or set OPTDNN_TORCH to a LibTorch folder or a Python "
                "that has torch${too_old}")
  list(APPEND OPTDNN_MISSING "LibTorch ${OPTDNN_TORCH_FLOOR} (${advice})")
  return()
endif()

set(targets_file ${torch_folder}/share/cmake/Caffe2/Caffe2Targets.cmake)
if(NOT EXISTS ${targets_file})
  list(APPEND OPTDNN_MISSING "a complete LibTorch: the one that was found has no ${targets_file}")
  return()
endif()

add_library(optdnn::torch INTERFACE IMPORTED GLOBAL)
target_include_directories(optdnn::torch SYSTEM INTERFACE
  ${torch_folder}/include ${torch_folder}/include/torch/csrc/api/include)
# How the libraries were compiled changes what some headers declare (USE_DISTRIBUTED and its like).
file(STRINGS ${targets_file} defines REGEX "INTERFACE_COMPILE_DEFINITIONS \"USE_")
string(REGEX MATCHALL "USE_[A-Z0-9_]+" defines "${defines}")
target_compile_definitions(optdnn::torch INTERFACE ${defines})
# Without NDEBUG some classes have more members (at::RecordFunction), which the library does not know.
target_compile_definitions(optdnn::torch INTERFACE $<$<CONFIG:Debug>:NDEBUG>)
# A GPU's library registers itself when it is loaded and is never called by name, hence --no-as-needed. What LibTorch's
# own libraries need (a driver, say) is settled where the program runs, not here.
target_link_options(optdnn::torch INTERFACE LINKER:--no-as-needed,--allow-shlib-undefined)
set(torch_kind "CPU")
foreach(library c10 torch_cpu c10_cuda torch_cuda c10_hip torch_hip torch)
  if(EXISTS ${torch_folder}/lib/lib${library}.so)
    add_library(optdnn_lib${library} SHARED IMPORTED GLOBAL)
    set_target_properties(optdnn_lib${library} PROPERTIES IMPORTED_LOCATION ${torch_folder}/lib/lib${library}.so)
    target_link_libraries(optdnn::torch INTERFACE optdnn_lib${library})
    if(library MATCHES "_(cuda|hip)$")
      set(torch_kind "GPU")
    endif()
  endif()
endforeach()
target_link_libraries(optdnn::torch INTERFACE Threads::Threads)

# Recorded iterations (training/graph_cuda.cpp) want the headers and the library of CUDA's runtime: a toolkit's, or what
# pip puts beside torch (nvidia-cuda-runtime). Without them the program is built without recorded iterations.
set(OPTDNN_GRAPHS OFF)
if(torch_kind STREQUAL "GPU" AND EXISTS ${torch_folder}/include/c10/cuda/impl/cuda_cmake_macros.h)
  file(GLOB beside ${torch_folder}/../nvidia/cu* ${torch_folder}/../nvidia/cuda_runtime)
  find_path(OPTDNN_CUDA_INCLUDE cuda_runtime_api.h
            HINTS ${beside} ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES include)
  find_library(OPTDNN_CUDART NAMES cudart libcudart.so.13 libcudart.so.12
               HINTS ${beside} ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES lib64 lib)
  if(OPTDNN_CUDA_INCLUDE AND OPTDNN_CUDART)
    set(OPTDNN_GRAPHS ON)
    string(APPEND torch_kind ", graphs")
    target_link_libraries(optdnn::torch INTERFACE ${OPTDNN_CUDART})
  endif()
endif()
message(STATUS "LibTorch ${torch_version} (${torch_kind}): ${torch_folder}")
