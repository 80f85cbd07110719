# Compiler options as one interface target, and ccache where it is found.
add_library(optdnn_options INTERFACE)
target_compile_options(optdnn_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # False alarms on std::string, GCC bug 105651.
  target_compile_options(optdnn_options INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(OPTDNN_WERROR)
  target_compile_options(optdnn_options INTERFACE -Werror)
endif()
if(OPTDNN_SANITIZE)
  target_compile_options(optdnn_options INTERFACE -fsanitize=${OPTDNN_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(optdnn_options INTERFACE -fsanitize=${OPTDNN_SANITIZE})
endif()
if(OPTDNN_FUZZ)
  target_compile_options(optdnn_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(OPTDNN_CCACHE ccache)
if(OPTDNN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${OPTDNN_CCACHE})
endif()
