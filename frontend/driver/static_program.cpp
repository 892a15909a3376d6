// lpc is linked statically: it starts in a third of the time. Three functions of libraries that we use would load
// shared objects of the machine's C library, which a static program must not (glibc manual, "Name Service Switch" and
// dlopen(3)). The linker (--wrap) sends their calls here. Nothing of lpc needs them: elfutils would load its client for
// debuginfod, which fetches files from the network while a process waits; LLVM would look up `~name` in paths.
#include <cerrno>

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker makes these names
void *__wrap_dlopen(const char * /*file*/, int /*mode*/) { return nullptr; }
int __wrap_getpwnam_r(const char * /*name*/, void * /*entry*/, char * /*buffer*/, unsigned long /*size*/,
                      void **result) {
  *result = nullptr;
  return ENOENT;
}
int __wrap_getpwuid_r(unsigned /*user*/, void * /*entry*/, char * /*buffer*/, unsigned long /*size*/, void **result) {
  *result = nullptr;
  return ENOENT;
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}
