# Debian packages: `cpack -G DEB` in the build folder makes discoverd, libdiscover0, libdiscover-dev and, for the two with
# programs in them, what debuggers need. They are built once more for that, into /usr and with Debian's flags
# (package_build.cmake): where the build itself installs to does not matter.
set(CPACK_PACKAGE_NAME discoverd)
set(CPACK_PACKAGE_VENDOR "discoverd")
set(DISCOVER_PACKAGE_CONTACT "discoverd developers <discoverd@example.org>" CACHE STRING "Who is asked about the packages")
set(CPACK_PACKAGE_CONTACT ${DISCOVER_PACKAGE_CONTACT})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has one of its own

set(CPACK_DISCOVER_PACKAGE_BUILD ${CMAKE_BINARY_DIR}/package_build)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/package_build.cmake)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_stage.cmake)
set(CPACK_POST_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_symbols.cmake)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_GENERATOR DEB)
set(CPACK_SOURCE_GENERATOR "")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)

set(CPACK_COMPONENTS_ALL daemon examples library development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_COMPONENT_DAEMON_GROUP discoverd)
set(CPACK_COMPONENT_EXAMPLES_GROUP discoverd)
set(CPACK_COMPONENT_LIBRARY_GROUP libdiscover)
set(CPACK_COMPONENT_DEVELOPMENT_GROUP headers)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# discoverctl is linked with the library that is packed beside it.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CPACK_DISCOVER_PACKAGE_BUILD}/lib)

set(CPACK_DEBIAN_DISCOVERD_PACKAGE_NAME discoverd)
set(CPACK_DEBIAN_DISCOVERD_PACKAGE_SECTION net)
set(CPACK_DEBIAN_DISCOVERD_PACKAGE_SUGGESTS "nats-server (>= 2.9)")
set(CPACK_DEBIAN_DISCOVERD_DEBUGINFO_PACKAGE ON)
set(CPACK_DEBIAN_DISCOVERD_DESCRIPTION
"service registry and discovery for fleets that run NATS
The daemon keeps the instances of this host's services alive in a NATS
JetStream key-value bucket, follows the bucket, and answers DNS (SRV, A,
AAAA), HTTP and linked programs from memory: a look-up never waits for the
network, and never says that nobody is there when it could not ask.")

set(CPACK_DEBIAN_LIBDISCOVER_PACKAGE_NAME libdiscover0)
set(CPACK_DEBIAN_LIBDISCOVER_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBDISCOVER_PACKAGE_SUGGESTS discoverd)
set(CPACK_DEBIAN_LIBDISCOVER_DEBUGINFO_PACKAGE ON)
set(CPACK_DEBIAN_LIBDISCOVER_DESCRIPTION
"look services up and register them with discoverd
Programs linked with it read the catalog of the host's discoverd out of
shared memory, watch it, balance calls, and register their own instances.
Where there is no daemon, the same calls ask DNS.")

set(CPACK_DEBIAN_HEADERS_PACKAGE_NAME libdiscover-dev)
set(CPACK_DEBIAN_HEADERS_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_HEADERS_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_HEADERS_DESCRIPTION
"look services up and register them with discoverd (development files)
The header, the library to link with, its manual page, and its files for
pkg-config and for CMake.")

set(control ${CMAKE_CURRENT_LIST_DIR})
set(CPACK_DEBIAN_DISCOVERD_PACKAGE_CONTROL_EXTRA ${control}/conffiles ${control}/postinst ${control}/prerm ${control}/postrm)
set(CPACK_DEBIAN_LIBDISCOVER_PACKAGE_CONTROL_EXTRA ${control}/triggers)
include(CPack)
