# Tables of Chinese characters that Debian packages bring, made into lists (src/rules/list.h) when
# the program is built. Sets YH_TABLES to the files made; what a missing package means is said.
#   opencc, libopencc1.1: opencc_<dictionary>, "traditional TAB simplified ..." (Apache-2.0)
#   golang-github-mozillazg-go-pinyin-dev: readings, "character TAB reading,reading" (MIT)
if(CMAKE_SCRIPT_MODE_FILE)
    file(READ ${INPUT} text)
    # the frequent block and the ideographic zero; "0x4E00: "yī,yí"," becomes "4E00 TAB yī,yí"
    string(REGEX MATCHALL "0x(3007|[4-9][0-9A-F][0-9A-F][0-9A-F]): \"[^\"]+\"" found "${text}")
    string(REPLACE ";" "\n" found "${found}")
    string(REGEX REPLACE "0x([0-9A-F]+): \"([^\"]+)\"" "\\1\t\\2" found "${found}")
    file(WRITE ${OUTPUT} "# Readings of characters (code point in hexadecimal).\n${found}\n")
    return()
endif()

set(YH_TABLES "")
set(tables ${CMAKE_BINARY_DIR}/generated/lists)
file(MAKE_DIRECTORY ${tables})

find_program(YH_OPENCC_DICT opencc_dict)
find_path(YH_OPENCC_DATA TSPhrases.ocd2 PATHS /usr/share/opencc /usr/local/share/opencc NO_DEFAULT_PATH)
if(YH_OPENCC_DICT AND YH_OPENCC_DATA)
    foreach(name TSPhrases TSCharacters STCharacters TWVariantsRev TWVariantsRevPhrases HKVariantsRev
            HKVariantsRevPhrases)
        add_custom_command(OUTPUT ${tables}/opencc_${name}.txt
            COMMAND ${YH_OPENCC_DICT} -i ${YH_OPENCC_DATA}/${name}.ocd2 -f ocd2 -t text
                    -o ${tables}/opencc_${name}.txt VERBATIM)
        list(APPEND YH_TABLES ${tables}/opencc_${name}.txt)
    endforeach()
else()
    message(STATUS "opencc is not installed: the rule simplify will not be usable")
endif()

find_file(YH_PINYIN_DICT pinyin_dict.go
    PATHS /usr/share/gocode/src/github.com/mozillazg/go-pinyin NO_DEFAULT_PATH)
if(YH_PINYIN_DICT)
    add_custom_command(OUTPUT ${tables}/readings.txt
        COMMAND ${CMAKE_COMMAND} -DINPUT=${YH_PINYIN_DICT} -DOUTPUT=${tables}/readings.txt
                -P ${CMAKE_CURRENT_LIST_FILE}
        DEPENDS ${YH_PINYIN_DICT} ${CMAKE_CURRENT_LIST_FILE} VERBATIM)
    list(APPEND YH_TABLES ${tables}/readings.txt)
else()
    message(STATUS "golang-github-mozillazg-go-pinyin-dev is not installed: the rule pinyin_noise will "
        "need a table of readings")
endif()
