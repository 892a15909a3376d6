// What the tests of real servers share: a free port, waiting until it answers, lpc.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/work_folder.h"

namespace lpc::test {

inline sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A port of 127.0.0.1 that nobody uses now.
inline int freePort() {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  bool ok = bind(fd, reinterpret_cast<sockaddr *>(&address), size) == 0 &&
            getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size) == 0;
  close(fd);
  return ok ? ntohs(address.sin_port) : 0;
}

// Until the condition holds, ten seconds at most.
template <class Condition> bool soon(Condition condition) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    poll(nullptr, 0, 10); // between two tries; the deadline decides
  }
  return false;
}

// Until a connection is accepted.
inline bool answers(int port) {
  return soon([port] {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(port);
    bool connected = connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
    close(fd);
    return connected;
  });
}

inline bool installed(const std::string &program) {
  return std::filesystem::exists("/usr/bin/" + program) || std::filesystem::exists("/usr/sbin/" + program);
}

inline RunResult lpc(std::vector<std::string> words) {
  words.insert(words.begin(), LPC_COMMAND);
  return run(words);
}

} // namespace lpc::test
