// Takes the place of answer() in many.c.
int answer_patched(int how) { return 2 + how; }
