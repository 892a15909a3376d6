#include "typed.h"

namespace shop {
typedef long Money;
const volatile Money limit = 7;
Request *last = nullptr;
Request first[2] = {{1, {}, nullptr, {2.5}, 0}, {}};
enum class Colour : unsigned char { Red, Green };
__attribute__((used)) Colour colour = Colour::Green;
} // namespace shop

static inline __attribute__((always_inline)) int twice(int n) { return n * n - 7; }
__attribute__((used)) int (*keepTwice)(int) = twice;
__attribute__((used)) int (*keepScaled)(int) = scaled;

extern "C" __attribute__((noinline)) int handle(Request *request, shop::Money flags) {
  static int calls = 1;
  return twice(request->id) + scaled(static_cast<int>(flags)) + twice(calls++);
}
struct Server {
  __attribute__((noinline)) bool accept(const Request &request, float weight);
  int port;
};
bool Server::accept(const Request &request, float weight) { return request.id > port && weight > 1; }

extern "C" double weigh(const Request &request, unsigned char most, ...);
int main(int argc, char **) {
  Server server{argc};
  shop::last = &shop::first[argc & 1];
  return handle(shop::last, shop::limit) + static_cast<int>(weigh(*shop::last, 3, argc)) +
         server.accept(*shop::last, 2) + keepTwice(argc) + keepScaled(argc) + static_cast<int>(shop::colour);
}
