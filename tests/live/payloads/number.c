// Takes the place of strtol.
long thirteen(const char *text, char **end, int base) {
  (void)text, (void)end, (void)base;
  return 13;
}
