// A library with two versions of one function, and one that only exists in an old version.
int shared_v1(void) { return 1; }
int shared_v2(void) { return 2; }
int gone_v1(void) { return 3; }
int plain(void) { return 4; }
__asm__(".symver shared_v1, shared@LPC_1.0");
__asm__(".symver shared_v2, shared@@LPC_2.0");
__asm__(".symver gone_v1, gone@LPC_1.0");
