# The libraries outside, all from Debian 12: LLVM 19 (component archives), the ANTLR 4 runtime, elfutils, libsodium.
find_package(LLVM 19.1 REQUIRED CONFIG PATHS /usr/lib/llvm-19/lib/cmake/llvm NO_DEFAULT_PATH)

# LLVM's own headers are links; where they lead to, libc++'s <cxxabi.h> does not stand beside them, once that is installed.
add_library(lpc_llvm_headers INTERFACE)
foreach(headers llvm llvm-c)
  file(REAL_PATH ${LLVM_INCLUDE_DIRS}/${headers} folder)
  cmake_path(GET folder PARENT_PATH folder)
  target_include_directories(lpc_llvm_headers SYSTEM INTERFACE ${folder})
endforeach()
target_compile_definitions(lpc_llvm_headers INTERFACE __STDC_CONSTANT_MACROS __STDC_FORMAT_MACROS __STDC_LIMIT_MACROS)

# lpc_llvm(NAME COMPONENT…): an interface library for a set of LLVM's components.
function(lpc_llvm name)
  llvm_map_components_to_libnames(libraries ${ARGN})
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE lpc_llvm_headers ${libraries})
endfunction()
lpc_llvm(lpc_llvm_support Support)
lpc_llvm(lpc_llvm_msgpack BinaryFormat Support)
lpc_llvm(lpc_llvm_object Object Demangle)
lpc_llvm(lpc_llvm_mc MC MCParser MCDisassembler X86Desc X86Info X86AsmParser X86Disassembler)

find_package(antlr4-runtime CONFIG REQUIRED)
find_program(LPC_ANTLR antlr4 REQUIRED)

find_library(LPC_LIBDW dw REQUIRED)
find_library(LPC_LIBELF elf REQUIRED)
find_library(LPC_LIBSODIUM NAMES libsodium.a REQUIRED) # static: nothing to load where nothing is verified
