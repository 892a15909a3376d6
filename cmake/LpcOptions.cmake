# How lpc is compiled: language level, warnings, sanitizers, and the static link that makes start-up cheap.
option(LPC_WERROR "Warnings are errors" OFF)
option(LPC_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(LPC_TESTS "Build the tests" ON)
option(LPC_BENCH "Build the benchmarks" ON)
option(LPC_FUZZ "Build the fuzzers (clang)" OFF)

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(LPC_CCACHE ccache)
if(LPC_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${LPC_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LPC_CCACHE})
endif()

add_library(lpc_options INTERFACE)
target_include_directories(lpc_options INTERFACE ${CMAKE_SOURCE_DIR})
# -Wno-restrict: g++ 12 sees overlaps in std::string's own operator+ (GCC bug 105651).
# -Wno-stringop-…: at -O3 it sees vectors of negative size in std::vector's own copies (GCC bug 105562 and others like it).
target_compile_options(lpc_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wno-missing-field-initializers $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release>>:-Wno-stringop-overflow;-Wno-stringop-overread>"
  -fno-pie -ffunction-sections -fdata-sections $<$<BOOL:${LPC_WERROR}>:-Werror>)
target_link_options(lpc_options INTERFACE -no-pie -Wl,--gc-sections -Wl,--as-needed)
if(LPC_SANITIZE)
  target_compile_options(lpc_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(lpc_options INTERFACE -fsanitize=address,undefined)
else()
  target_link_options(lpc_options INTERFACE -static-libstdc++ -static-libgcc)
endif()

# lpc_library(NAME [DEPENDS…]): a layer. Its sources are the .cpp files of the current folder and of the folders in FOLDERS.
function(lpc_library name)
  cmake_parse_arguments(arg "" "" "FOLDERS;DEPENDS" ${ARGN})
  set(patterns *.cpp)
  foreach(folder ${arg_FOLDERS})
    list(APPEND patterns ${folder}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC lpc_options ${arg_DEPENDS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE lpc_options ${arg_DEPENDS})
  endif()
endfunction()
