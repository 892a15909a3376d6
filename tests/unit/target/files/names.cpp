// C++ names: overloads, constructors, templates, operators, an unnamed namespace, a function's own variable.
#include <string>

namespace http {
struct Server {
  int port;
  explicit Server(int p);
  ~Server();
  int accept(int fd) const;
  int accept(const char *name);
  bool operator==(const Server &other) const;
  operator int() const;
};
Server::Server(int p) : port(p) {}
Server::~Server() { port = 0; }
int Server::accept(int fd) const { return fd + port; }
int Server::accept(const char *name) { return name[0] + port; }
bool Server::operator==(const Server &other) const { return port == other.port; }
Server::operator int() const { return port; }
template <class T> T largest(T a, T b) { return a < b ? b : a; }
template int largest<int>(int, int);
template long largest<long>(long, long);
std::string tagged(const std::string &text) { return text + "!"; }
int requests = 3;
} // namespace http

namespace {
__attribute__((noinline, used)) int hidden(int x) { return x + 1; }
} // namespace

int counterOf() {
  static int calls = 0;
  return ++calls + hidden(1);
}
int main() { return counterOf(); }
