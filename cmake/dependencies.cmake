# Debian 12 packages; scripts/install-deps installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
add_library(yh_dependencies INTERFACE)
foreach(module jansson libpcre2-8 libutf8proc gumbo libzstd zlib libxxhash uchardet liblzma liblz4)
    pkg_check_modules(dep_${module} REQUIRED IMPORTED_TARGET ${module})
    target_link_libraries(yh_dependencies INTERFACE PkgConfig::dep_${module})
endforeach()
target_link_libraries(yh_dependencies INTERFACE Threads::Threads m)
find_package(BZip2 REQUIRED) # has no pkg-config file
target_link_libraries(yh_dependencies INTERFACE BZip2::BZip2)
# Language identification; it has no pkg-config file and we include no header of it (src/rules/lang.c).
find_library(YH_CLD2 cld2 REQUIRED)
target_link_libraries(yh_dependencies INTERFACE ${YH_CLD2})
