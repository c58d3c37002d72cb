# yh_embed(KIND FOLDER EXT OUT [FILE...]): puts the files FOLDER/*.EXT, and others, into the program. Appends to the list
# OUT the path of a generated source that defines
#   const yh_embedded yh_embedded_KIND[];   /* base/embed.h; ends with a NULL name */
# A new file is found when CMake runs again, a changed one when it is built.
#
# Run as a script (cmake -D...  -P embed.cmake) it writes that source.
if(CMAKE_SCRIPT_MODE_FILE)
    set(text "/* Generated from ${FOLDER}. */\n#include \"base/embed.h\"\n")
    set(table "")
    set(number 0)
    string(REPLACE "|" ";" FILES "${FILES}")
    foreach(file ${FILES})
        get_filename_component(name ${file} NAME_WE)
        file(READ ${file} hex HEX)
        string(LENGTH "${hex}" size)
        math(EXPR size "${size} / 2")
        string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
        string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
        string(APPEND text "static const unsigned char f${number}[] = {\n${hex}0x00};\n")
        string(APPEND table "    {\"${name}\", f${number}, ${size}},\n")
        math(EXPR number "${number} + 1")
    endforeach()
    string(APPEND text "const yh_embedded yh_embedded_${KIND}[] = {\n${table}    {0, 0, 0},\n};\n")
    file(WRITE ${OUTPUT} "${text}")
    return()
endif()

set(YH_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(yh_embed kind folder ext out)
    file(GLOB found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.${ext})
    list(SORT found)
    list(APPEND found ${ARGN})
    set(output ${CMAKE_BINARY_DIR}/generated/embedded_${kind}.c)
    string(REPLACE ";" "|" joined "${found}")
    # the list of names is part of the command, so that a file that goes away is noticed too
    add_custom_command(OUTPUT ${output}
        COMMAND ${CMAKE_COMMAND} -DKIND=${kind} -DFOLDER=${folder} "-DFILES=${joined}"
                -DOUTPUT=${output} -P ${YH_EMBED_SCRIPT}
        DEPENDS ${found} ${YH_EMBED_SCRIPT} VERBATIM)
    set(${out} ${${out}} ${output} PARENT_SCOPE)
endfunction()
