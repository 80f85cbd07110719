# Finds libspng, which installs no CMake package on Debian 12. Defines optdnn::spng.
find_path(SPNG_INCLUDE_DIR spng.h)
find_library(SPNG_LIBRARY spng)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(spng REQUIRED_VARS SPNG_LIBRARY SPNG_INCLUDE_DIR)
if(spng_FOUND AND NOT TARGET optdnn::spng)
  add_library(optdnn::spng UNKNOWN IMPORTED)
  set_target_properties(optdnn::spng PROPERTIES
    IMPORTED_LOCATION "${SPNG_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${SPNG_INCLUDE_DIR}")
endif()
