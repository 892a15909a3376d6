// `dlopen` in processes that are not like ours: another C library, an older glibc, other folders. It works, or is
// refused for what it is.
#include <unistd.h>

#include "backend/dynamic_linker.h"
#include "backend/module_files.h"
#include "frontend/target/elf_file.h"
#include "tests/live/dlopen.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class DlopenElsewhere : public Dlopen {
protected:
  // What the program needs, under `root`.
  void fill(const std::string &root) {
    for (const char *folder : {"/lib64", "/lib/x86_64-linux-gnu", "/proc"})
      std::filesystem::create_directories(root + folder);
    std::filesystem::copy_file("/lib64/ld-linux-x86-64.so.2", root + "/lib64/ld-linux-x86-64.so.2");
    std::filesystem::copy_file("/lib/x86_64-linux-gnu/libc.so.6", root + "/lib/x86_64-linux-gnu/libc.so.6");
    std::filesystem::copy_file(folder_.path() + "/program", root + "/program");
  }
  void startIn(const std::vector<std::string> &words) {
    child_.emplace(words);
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
  }
  void expectWorks(const std::string &mappedAs) {
    RunResult done = apply(kFix);
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
    EXPECT_THAT(mapped(), HasSubstr(mappedAs));
    ASSERT_EQ(revert().status, 0);
    EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
    expectAsBefore();
  }
};

TEST_F(DlopenElsewhere, Musl) {
  if (run({"musl-gcc", "--version"}).status != 0) GTEST_SKIP() << "musl-gcc is not installed";
  folder_.write("main.c", kProgram);
  build({"musl-gcc", "-O2", "-g", "-rdynamic", "-pthread", "-o", "program", "main.c"});
  startIn({folder_.path() + "/program"});
  object("int fix(int x) { return x + 1; }");
  Whole before = wholeOf(child_->pid());
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 1) << done.out;
  EXPECT_THAT(done.err, HasSubstr("it has no C library of GNU"));
  EXPECT_THAT(done.err, HasSubstr("nothing was changed"));
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  EXPECT_EQ(wholeOf(child_->pid()), before);
}

// glibc before 2.34 has these functions in a library of their own. There is none here, so the libraries are made up.
TEST_F(DlopenElsewhere, LibrariesOfAnOlderGlibc) {
  start();
  auto process = runtime::Process::open(child_->pid());
  LPC_ASSERT_OK(process);
  folder_.write("libc.c", "int puts(const char *s) { return *s; }");
  folder_.write("libdl.c",
                "void *dlopen(const char *f, int m) { return f + m; } int dlclose(void *h) { return h != 0; } "
                "char *dlerror(void) { return 0; } int other(void) { return 1; }");
  folder_.write("libdl.map", "GLIBC_2.2.5 { global: dlopen; dlclose; dlerror; local: *; };");
  build({"gcc", "-shared", "-fPIC", "-w", "-fno-builtin", "-Wl,-soname,libc.so.6", "-o", "libc.so", "libc.c"});
  build({"gcc", "-shared", "-fPIC", "-w", "-Wl,-soname,libdl.so.2", "-Wl,--version-script=libdl.map", "-o", "libdl.so",
         "libdl.c"});
  auto module = [&](const char *soname, const std::string &file, uint64_t bias) {
    runtime::Module made;
    made.path = made.openPath = folder_.path() + "/" + file;
    made.soname = soname;
    made.bias = LoadBias{bias};
    return made;
  };
  backend::Snapshot snapshot;
  snapshot.files = std::make_shared<backend::ModuleFiles>();
  snapshot.modules = {module("", "program", 0x400000), module("libc.so.6", "libc.so", 0x10000000)};
  auto without = backend::findDynamicLinker(*process, snapshot);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().id, DiagnosticId::NoDynamicLinker);
  EXPECT_THAT(without.error().message, HasSubstr("it has not loaded the library with `dlopen` (libdl.so.2)"));

  snapshot.modules.push_back(module("libdl.so.2", "libdl.so", 0x20000000));
  auto found = backend::findDynamicLinker(*process, snapshot);
  LPC_ASSERT_OK(found);
  auto file = lpc::target::ElfFile::open(folder_.path() + "/libdl.so", "libdl.so");
  LPC_ASSERT_OK(file);
  auto symbols = (*file)->find({"dlopen", "dlclose", "dlerror"});
  const LoadBias bias{0x20000000};
  EXPECT_EQ(found->open, bias.of(symbols[0].at(0).address));
  EXPECT_EQ(found->close, bias.of(symbols[1].at(0).address));
  EXPECT_EQ(found->error, bias.of(symbols[2].at(0).address));
}

// The file is not where the patch says, or another one is: the process gets the patch's.
TEST_F(DlopenElsewhere, AnotherMountNamespace) {
  if (geteuid() != 0) GTEST_SKIP() << "only root makes mount namespaces";
  buildProgram();
  std::filesystem::create_directory(folder_.path() + "/patch");
  object(kOwnThreadLocals, "patch/own");
  folder_.write("other.c", "extern void say(const char *); int new_limit = 700; int fix(int x) { return x + 7; }");
  build({"gcc", "-shared", "-fPIC", "-o", "other.so", "other.c"});
  const std::string patch = "dlopen own patch/own.so\njmp handle $own:fix\nset limit_p addr $own:new_limit\n";
  const std::string hide = "mount -t tmpfs none '" + folder_.path() + "/patch' && ";
  const std::string replace = hide + "cp '" + folder_.path() + "/other.so' '" + folder_.path() + "/patch/own.so' && ";
  for (const std::string &change : {std::string(), hide, replace}) {
    SCOPED_TRACE(change);
    startIn({"unshare", "-m", "sh", "-c", change + "exec '" + folder_.path() + "/program'"});
    RunResult done = apply(patch);
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answer(), "handle 1 limit 500 mixed 0 said begin ");
    EXPECT_THAT(mapped(),
                HasSubstr(change.empty() ? folder_.path() + "/patch/own.so" : "/memfd:dlopen:own.so (deleted)"));
    ASSERT_EQ(revert().status, 0);
    EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said begin end ");
    expectAsBefore();
  }
}

TEST_F(DlopenElsewhere, Chroot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root changes its root";
  buildProgram();
  object(kOwnThreadLocals);
  const std::string root = folder_.path() + "/root";
  fill(root);
  startIn({"chroot", root, "/program"});
  RunResult done = apply(kFix); // neither the file nor /proc is there
  EXPECT_EQ(done.status, 3) << done.out;
  EXPECT_THAT(done.err, HasSubstr("[dlopen-failed]"));
  EXPECT_THAT(done.err, HasSubstr("it has no /proc, through which it would get the file"));
  EXPECT_EQ(answer(), "handle 0 limit 100 mixed 0 said ");
  expectAsBefore();

  // What the process sees under the path counts, and only if it is the same.
  std::filesystem::create_directories(root + folder_.path());
  std::filesystem::copy_file(folder_.path() + "/own.so", root + folder_.path() + "/own.so");
  expectWorks(folder_.path() + "/own.so");

  std::filesystem::remove_all(root + folder_.path());
  child_.reset();
  startIn(
      {"unshare", "-m", "sh", "-c", "mount -t proc proc '" + root + "/proc' && exec chroot '" + root + "' /program"});
  expectWorks("/memfd:dlopen:own.so (deleted)");
}

} // namespace
} // namespace lpc::test
