# cmake --install: programs, headers, libraries, and the package that find_package(Snag) reads.
include(CMakePackageConfigHelpers)
set(SNAG_PACKAGE ${CMAKE_INSTALL_LIBDIR}/cmake/Snag)
set_target_properties(snag_library PROPERTIES EXPORT_NAME Snag)
set_target_properties(snag_engine PROPERTIES EXPORT_NAME Engine)
get_target_property(SNAG_DEVICE snag_device ALIASED_TARGET)

install(TARGETS snag_library snag snag_engine snag_kernels snag_data snag_base snag_schedule ${SNAG_DEVICE} snag_flags snag_cold EXPORT SnagTargets)
install(TARGETS train_gan detect export_onnx export_npy)
install(DIRECTORY base data engine models DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/snag FILES_MATCHING PATTERN "*.h")
file(GLOB SNAG_KERNEL_HEADERS CONFIGURE_DEPENDS kernels/*.h)
install(FILES ${SNAG_KERNEL_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/snag/kernels)
install(FILES snag.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/snag)

install(EXPORT SnagTargets NAMESPACE Snag:: DESTINATION ${SNAG_PACKAGE})
configure_package_config_file(cmake/SnagConfig.cmake.in ${PROJECT_BINARY_DIR}/SnagConfig.cmake
                              INSTALL_DESTINATION ${SNAG_PACKAGE})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/SnagConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/SnagConfig.cmake ${PROJECT_BINARY_DIR}/SnagConfigVersion.cmake
        DESTINATION ${SNAG_PACKAGE})
