// A new PING for redis-server, in terms of the server's own functions (struct client stays opaque).
struct client;
void addReplyBulkCString(struct client *c, const char *s);

unsigned long pings;

void pingPatched(struct client *c) {
  pings++;
  addReplyBulkCString(c, "PATCHED");
}
