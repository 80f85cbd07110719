# Finds every dependency by version. A missing one is named with the Debian package that holds it; all are
# looked for before the configuration stops, so one message lists everything.
set(OPTDNN_MISSING "")

function(optdnn_missing what debian_package)
  list(APPEND OPTDNN_MISSING "  ${what}: apt-get install ${debian_package}")
  set(OPTDNN_MISSING ${OPTDNN_MISSING} PARENT_SCOPE)
endfunction()

find_package(Threads REQUIRED)

macro(optdnn_find package version debian_package)
  find_package(${package} ${version} QUIET)
  if(NOT ${package}_FOUND)
    optdnn_missing("${package} ${version}" ${debian_package})
  endif()
endmacro()

optdnn_find(yaml-cpp 0.7 libyaml-cpp-dev)
optdnn_find(spdlog 1.10 libspdlog-dev)
optdnn_find(CLI11 2.1 libcli11-dev)
optdnn_find(nlohmann_json 3.11 nlohmann-json3-dev)
optdnn_find(Eigen3 3.4 libeigen3-dev)
optdnn_find(ZLIB 1.2 zlib1g-dev)
optdnn_find(OpenSSL 3.0 libssl-dev)
optdnn_find(CURL 7.80 libcurl4-openssl-dev)
optdnn_find(LibArchive 3.6 libarchive-dev)
find_path(SPNG_INCLUDE_DIR spng.h)
find_library(SPNG_LIBRARY spng)
if(NOT SPNG_LIBRARY OR NOT SPNG_INCLUDE_DIR)
  optdnn_missing("libspng" libspng-dev)
endif()
if(OPTDNN_TESTS)
  optdnn_find(Catch2 2.13 catch2)
  optdnn_find(rapidcheck "" librapidcheck-dev)
endif()

include(torch)  # defines optdnn::torch or adds to OPTDNN_MISSING

if(OPTDNN_MISSING)
  list(JOIN OPTDNN_MISSING "\n" lines)
  message(FATAL_ERROR "missing dependencies:\n${lines}\n  or let scripts/setup install all of them")
endif()

if(NOT TARGET optdnn::yaml)
  add_library(optdnn_yaml INTERFACE)
  add_library(optdnn::yaml ALIAS optdnn_yaml)
  target_link_libraries(optdnn_yaml INTERFACE $<IF:$<TARGET_EXISTS:yaml-cpp::yaml-cpp>,yaml-cpp::yaml-cpp,yaml-cpp>)
endif()
add_library(optdnn::spng UNKNOWN IMPORTED)
set_target_properties(optdnn::spng PROPERTIES IMPORTED_LOCATION "${SPNG_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${SPNG_INCLUDE_DIR}")
