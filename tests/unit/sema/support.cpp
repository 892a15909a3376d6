// Files are made on first use, in the build folder, named by a hash of what makes them: with ctest each test is a
// process of its own, and they run at the same time, so a result appears by rename, complete or not at all.
#include "support.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "frontend/lower.h"
#include "frontend/parse/parse.h"
#include "frontend/sema/sema.h"
#include "frontend/target/objects.h"
#include "ir/support/cat.h"
#include "tests/support/child.h"

namespace lpc::test {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void give_up(const std::string &why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

// The folder for something that is determined by `key`; `make` fills a folder for it.
fs::path once(const std::string &key, const std::function<void(const fs::path &)> &make) {
  fs::path root = fs::path(LPC_TEST_BINARY_DIR) / "sema-files";
  fs::path done = root / cat(std::hash<std::string>{}(key));
  if (fs::exists(done)) return done;
  fs::path work = root / cat("work-", getpid());
  fs::remove_all(work);
  fs::create_directories(work);
  make(work);
  std::error_code taken; // another test was faster: the same content
  fs::rename(work, done, taken);
  if (taken) fs::remove_all(work);
  return done;
}

void write(const fs::path &path, const std::string &content) { std::ofstream(path, std::ios::binary) << content; }

} // namespace

std::string build(const Build &build) {
  std::string key = build.name;
  for (const auto &[name, content] : build.sources)
    key += cat("\n", name, "\n", content);
  for (const std::string &flag : build.flags)
    key += cat("\n", flag);
  fs::path folder = once(key, [&](const fs::path &work) {
    std::vector<std::string> command = {"cc", "-nostdlib", "-fno-stack-protector", "-o", work / build.name};
    command.insert(command.end(), build.flags.begin(), build.flags.end());
    for (const auto &[name, content] : build.sources) {
      write(work / name, content);
      command.push_back(work / name);
    }
    RunResult result = run(command);
    if (result.status != 0) give_up(cat("cc failed for ", build.name, ":\n", result.err));
  });
  return folder / build.name;
}

std::string assembled(const std::string &text, const std::vector<std::string> &flags) {
  std::vector<std::string> all = {"-static",
                                  "-no-pie",
                                  "-Wl,--build-id=0x0102030405060708090a0b0c0d0e0f1011121314",
                                  "-Wl,-Ttext=0x401000",
                                  "-Wl,--section-start=.rodata=0x402000",
                                  "-Wl,-Tdata=0x403000",
                                  "-Wl,-Tbss=0x404000"};
  all.insert(all.end(), flags.begin(), flags.end());
  std::string start = text.find("_start") == std::string::npos
                          ? ".globl _start\n.type _start,@function\n_start: jmp _start\n.size _start,.-_start\n"
                          : "";
  return build({.sources = {{"server.s", cat(".intel_syntax noprefix\n", text, "\n.text\n.balign 16\n", start,
                                             ".section .note.GNU-stack,\"\",@progbits\n")}},
                .flags = all});
}

std::string shared(const std::string &c, const std::string &name, const std::vector<std::string> &flags) {
  std::vector<std::string> all = {"-shared", "-fPIC", "-O1"};
  all.insert(all.end(), flags.begin(), flags.end());
  return build({.sources = {{"patch.c", c}}, .flags = all, .name = name});
}

std::string fileWith(const std::string &content, const std::string &name) {
  return once(cat("file ", name, "\n", content), [&](const fs::path &work) { write(work / name, content); }) / name;
}

Checked check(const std::string &patch, const std::string &program, const std::vector<std::string> &libraries,
              const std::string &folder) {
  SourceText source("p.lp", patch);
  Diagnostics diagnostics;
  ast::File file = parse(source, diagnostics);
  std::vector<target::ObjectSource> sources = {{"target", "", program, "./server"}};
  for (const std::string &library : libraries) {
    std::string name = fs::path(library).filename();
    sources.push_back({name, name, library, name});
  }
  auto objects = target::Objects::open(std::move(sources), !libraries.empty());
  if (!objects) give_up(objects.error().message);
  sema::Options options{.baseFolder = folder, .defaultName = "p", .source = "p.lp"};
  sema::Program checked = sema::check(std::move(file), *objects, options, diagnostics);
  Checked result;
  for (const Diagnostic &diagnostic : diagnostics.sorted())
    result.text += render(diagnostic, source, false);
  result.good = !diagnostics.hasErrors();
  if (result.good) result.patch = lower(std::move(checked));
  return result;
}

std::string ids(const std::string &patch, const std::string &program) {
  std::string text = check(patch, program).text, out;
  for (size_t at = text.find(": error:"); at != std::string::npos; at = text.find(": error:", at + 1)) {
    size_t end = text.find("]\n", at), begin = text.rfind('[', end);
    if (!out.empty()) out += ' ';
    out += text.substr(begin + 1, end - begin - 1);
  }
  return out;
}

} // namespace lpc::test
