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

# elfutils and what it unpacks debug information with, and libsodium: all static, so that there is nothing to load.
foreach(library dw elf lzma bz2 z zstd)
  find_library(LPC_LIB_${library} NAMES lib${library}.a REQUIRED)
endforeach()
add_library(lpc_elfutils INTERFACE)
target_link_libraries(lpc_elfutils INTERFACE ${LPC_LIB_dw} ${LPC_LIB_elf} ${LPC_LIB_lzma} ${LPC_LIB_bz2} ${LPC_LIB_z} ${LPC_LIB_zstd})
find_library(LPC_LIBSODIUM NAMES libsodium.a REQUIRED)

# LLVM's package names shared libraries, one of which (Z3) only its own compilers use.
foreach(pair ZLIB::ZLIB=${LPC_LIB_z} zstd::libzstd_shared=${LPC_LIB_zstd})
  string(REPLACE "=" ";" pair ${pair})
  list(POP_FRONT pair imported archive)
  foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_RELEASE IMPORTED_LOCATION_NONE)
    set_property(TARGET ${imported} PROPERTY ${property} ${archive})
  endforeach()
endforeach()
get_target_property(libraries LLVMSupport INTERFACE_LINK_LIBRARIES)
list(FILTER libraries EXCLUDE REGEX "libz3")
set_target_properties(LLVMSupport PROPERTIES INTERFACE_LINK_LIBRARIES "${libraries}")
