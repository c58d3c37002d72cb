# yh_registry(KIND FOLDER): turns FOLDER/KIND_<name>.c into generated/registry_KIND.h with
#   #define YH_REGISTRY_KIND(X) X(name) X(name) ...
# so that a new operation, model, command or filter is one new file.
function(yh_registry kind folder)
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/${kind}_*.c)
    list(SORT found)
    string(TOUPPER ${kind} upper)
    set(text "/* Generated from the file names ${folder}/${kind}_*.c. */\n#define YH_REGISTRY_${upper}(X)")
    foreach(file ${found})
        get_filename_component(name ${file} NAME_WE)
        string(REGEX REPLACE "^${kind}_" "" name ${name})
        string(APPEND text " \\\n    X(${name})")
    endforeach()
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/registry_${kind}.h CONTENT "${text}\n" @ONLY)
endfunction()
