#include "typed.h"

extern "C" __attribute__((noinline)) double weigh(const Request &request, unsigned char most, ...) {
  return request.weight + scaled(request.id) + scaled(most);
}
