// For each function of libc_functions.h a hook that counts and goes on to the original, whatever its parameters are:
// hook_NAME, and the pointer next_NAME.
enum {
#define F(name, call) at_##name,
#include "../targets/libc_functions.h"
#undef F
};
extern unsigned long hook_counts[];

#define F(name, call)                                                                                                  \
  __attribute__((visibility("hidden"))) void *next_##name;                                                             \
  __attribute__((naked)) void hook_##name(void) {                                                                      \
    __asm__("mov hook_counts@GOTPCREL(%%rip), %%r11\n"                                                                 \
            "lock incq %c0(%%r11)\n"                                                                                   \
            "jmp *next_" #name "(%%rip)\n" ::"i"(at_##name * 8));                                                      \
  }
#include "../targets/libc_functions.h"
