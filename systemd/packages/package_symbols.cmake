# The packages with what debuggers need, as cpack makes them, name their files by the folder they were made in and have no
# documents: they are made right, under the name that cpack looks for. Run by cpack after packing.
foreach(package IN LISTS CPACK_PACKAGE_FILES)
  if(NOT package MATCHES "^.*/(.*)-dbgsym_.*\\.ddeb$")
    continue()
  endif()
  set(described ${CMAKE_MATCH_1})
  set(tree ${CPACK_TEMPORARY_DIRECTORY}-${described}-dbgsym)
  file(REMOVE_RECURSE ${tree})
  execute_process(COMMAND dpkg-deb --raw-extract ${package} ${tree} COMMAND_ERROR_IS_FATAL ANY)
  file(MAKE_DIRECTORY ${tree}/usr/share/doc)
  file(CREATE_LINK ${described} ${tree}/usr/share/doc/${described}-dbgsym SYMBOLIC)
  execute_process(COMMAND find usr -type f -exec md5sum {} + WORKING_DIRECTORY ${tree}
    OUTPUT_FILE ${tree}/DEBIAN/md5sums COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND dpkg-deb --root-owner-group --build ${tree} ${package} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE_RECURSE ${tree})
endforeach()
