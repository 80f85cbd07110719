# Finds every dependency of debian.txt by version, and LibTorch. All are looked for before the configuration stops, so
# that one message names everything that is missing and how to get it.
set(OPTDNN_MISSING "")
set(OPTDNN_MISSING_DEBIAN "")

find_package(Threads REQUIRED)
find_package(OpenMP QUIET COMPONENTS CXX)

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/debian.txt)
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/debian.txt lines REGEX "^[^#]")
foreach(line ${lines})
  string(REGEX REPLACE " +" ";" fields "${line}")
  list(LENGTH fields count)
  list(FIND fields tests for_tests)
  if(count EQUAL 1 OR (NOT for_tests EQUAL -1 AND NOT OPTDNN_TESTS))
    continue()
  endif()
  list(GET fields 0 debian_package)
  list(GET fields 1 package)
  list(GET fields 2 version)
  if(version STREQUAL "any")
    set(version "")
  endif()
  set(floor_${package} "${version}")
  find_package(${package} ${version} QUIET)
  if(NOT ${package}_FOUND AND version)  # a newer major version says that it does not fit
    find_package(${package} QUIET)
    if("${${package}_VERSION}" VERSION_LESS version)
      set(${package}_FOUND FALSE)
    endif()
  endif()
  if(NOT ${package}_FOUND)
    string(STRIP "${package} ${version}" what)
    list(APPEND OPTDNN_MISSING "${what} (Debian: ${debian_package})")
    list(APPEND OPTDNN_MISSING_DEBIAN ${debian_package})
  endif()
endforeach()

include(torch)  # defines optdnn::torch or adds to OPTDNN_MISSING

if(OPTDNN_MISSING)
  set(advice "scripts/optdnn installs all of them on Debian")
  if(OPTDNN_MISSING_DEBIAN)
    list(JOIN OPTDNN_MISSING_DEBIAN " " packages)
    string(APPEND advice "; by hand:\n  apt-get install ${packages}")
  endif()
  list(JOIN OPTDNN_MISSING "\n  " lines)
  message(FATAL_ERROR "missing dependencies:\n  ${lines}\n${advice}")
endif()

add_library(optdnn_yaml INTERFACE)  # the target's name differs between yaml-cpp 0.7 and 0.8
add_library(optdnn::yaml ALIAS optdnn_yaml)
target_link_libraries(optdnn_yaml INTERFACE $<IF:$<TARGET_EXISTS:yaml-cpp::yaml-cpp>,yaml-cpp::yaml-cpp,yaml-cpp>)
