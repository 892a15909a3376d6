// What nginx writes for HTTP dates that it formats itself (Last-Modified), through its own ngx_sprintf.
unsigned char *ngx_sprintf(unsigned char *buf, const char *fmt, ...);

unsigned char *time_patched(unsigned char *buf, long t) {
  return ngx_sprintf(buf, "patched %l", t); // ngx_sprintf's %l is a long
}
