# What `cmake --install` puts into a prefix of the library: headers, static libraries, and what find_package(optdnn)
# reads (optdnn-config.cmake.in). Nothing in it names the source tree or the prefix, so that the prefix may be moved.
include(CMakePackageConfigHelpers)
set(of_algorithms options base algorithms)
set(of_models yaml device world config kernels program modules solvers execution models baselines)
set(place ${CMAKE_INSTALL_LIBDIR}/cmake/optdnn)

foreach(part algorithms models)
  foreach(package ${of_${part}})
    set_target_properties(optdnn_${package} PROPERTIES EXPORT_NAME ${package})
    install(TARGETS optdnn_${package} EXPORT optdnn-${part} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    if(IS_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/${package})
      install(DIRECTORY ${package} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/optdnn FILES_MATCHING PATTERN "*.h")
    endif()
  endforeach()
  install(EXPORT optdnn-${part} NAMESPACE optdnn:: DESTINATION ${place})
endforeach()

configure_package_config_file(optdnn-config.cmake.in optdnn-config.cmake INSTALL_DESTINATION ${place}
                              NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(optdnn-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/optdnn-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/optdnn-config-version.cmake
              ${PROJECT_SOURCE_DIR}/third_party/torch.cmake DESTINATION ${place})
