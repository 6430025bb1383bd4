include(${CMAKE_CURRENT_LIST_DIR}/discoverTargets.cmake)
