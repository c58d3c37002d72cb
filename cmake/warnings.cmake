# Flags that every target of ours gets.
add_library(yh_flags INTERFACE)
target_compile_definitions(yh_flags INTERFACE _GNU_SOURCE)
target_compile_options(yh_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wundef -Wcast-align -Wformat=2 -Wdouble-promotion -Wswitch-enum
    -fno-common -fno-math-errno -fstack-protector-strong)
if(YH_WERROR)
    target_compile_options(yh_flags INTERFACE -Werror)
endif()
if(YH_SANITIZE)
    target_compile_options(yh_flags INTERFACE -fsanitize=${YH_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all -g)
    target_link_options(yh_flags INTERFACE -fsanitize=${YH_SANITIZE})
endif()
if(YH_FUZZ)
    target_compile_options(yh_flags INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(yh_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(YH_COVERAGE)
    target_compile_options(yh_flags INTERFACE --coverage)
    target_link_options(yh_flags INTERFACE --coverage)
endif()

function(yh_target name)
    target_link_libraries(${name} PRIVATE yh_flags yh_dependencies)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src
        ${CMAKE_BINARY_DIR}/generated)
endfunction()
