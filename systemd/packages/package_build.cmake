# What goes into the packages is built for /usr, by itself: paths in units and in the library's folder come from the prefix.
# Read by cpack, before it installs.
set(build ${CPACK_DISCOVER_PACKAGE_BUILD})

function(flags variable name)
  execute_process(COMMAND dpkg-buildflags --get ${name} OUTPUT_VARIABLE value OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} "${value}" PARENT_SCOPE)
endfunction()
set(ENV{DEB_BUILD_MAINT_OPTIONS} hardening=+all)
flags(c_flags CFLAGS)
flags(preprocessor_flags CPPFLAGS)
flags(link_flags LDFLAGS)

# Several can pack from one build folder, one after the other.
file(MAKE_DIRECTORY ${build})
file(LOCK ${build}/lock GUARD PROCESS TIMEOUT 600)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/../.. -B ${build} -DCMAKE_INSTALL_PREFIX=/usr
  -DCMAKE_INSTALL_SYSCONFDIR=/etc -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_SKIP_INSTALL_RPATH=ON -DDISCOVER_TESTS=OFF
  "-DCMAKE_C_FLAGS=${c_flags} ${preprocessor_flags}" "-DCMAKE_EXE_LINKER_FLAGS=${link_flags}"
  "-DCMAKE_SHARED_LINKER_FLAGS=${link_flags}"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${build} --parallel ${cores} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
set(CPACK_INSTALL_CMAKE_PROJECTS "${build};discoverd;ALL;/")

# The packages of one release belong together.
set(version ${CPACK_PACKAGE_VERSION})
if(CPACK_DEBIAN_PACKAGE_RELEASE)
  string(APPEND version -${CPACK_DEBIAN_PACKAGE_RELEASE})
endif()
set(CPACK_DEBIAN_DISCOVERD_PACKAGE_DEPENDS
  "libdiscover0 (= ${version}), systemd | systemd-standalone-sysusers, init-system-helpers (>= 1.60)")
set(CPACK_DEBIAN_HEADERS_PACKAGE_DEPENDS "libdiscover0 (= ${version}), libprotobuf-c-dev, libc-ares-dev")
