// What `lpc run` cannot start: it says why, ends with the status that belongs to it, and nothing of the command runs.
#include <elf.h>

#include "tests/live/run.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class RunRefused : public Run {
protected:
  RunRefused() {
    std::filesystem::copy(kBinaries + "/target_starts_pie", "program");
    folder_.write("fix.lp", kRunPatch);
  }
};

// The smallest 32-bit program; it ends with status 9.
void writeProgram32(const std::string &path) {
  Elf32_Ehdr header{};
  header.e_ident[EI_MAG0] = ELFMAG0, header.e_ident[EI_MAG1] = ELFMAG1, header.e_ident[EI_MAG2] = ELFMAG2;
  header.e_ident[EI_MAG3] = ELFMAG3, header.e_ident[EI_CLASS] = ELFCLASS32, header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT, header.e_version = EV_CURRENT;
  header.e_type = ET_EXEC, header.e_machine = EM_386, header.e_ehsize = sizeof header;
  header.e_phoff = sizeof header, header.e_phentsize = sizeof(Elf32_Phdr), header.e_phnum = 1;
  constexpr Elf32_Addr kBase = 0x10000, kCode = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr);
  header.e_entry = kBase + kCode;
  const unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xbb, 9, 0, 0, 0, 0xcd, 0x80}; // exit(9)
  Elf32_Phdr load{};
  load.p_type = PT_LOAD, load.p_vaddr = load.p_paddr = kBase, load.p_flags = PF_R | PF_X, load.p_align = 0x1000;
  load.p_filesz = load.p_memsz = kCode + sizeof code;
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(&header), sizeof header);
  file.write(reinterpret_cast<const char *>(&load), sizeof load);
  file.write(reinterpret_cast<const char *>(code), sizeof code);
  file.close();
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

TEST_F(RunRefused, AProgramOf32Bits) {
  writeProgram32("small");
  if (run({"bash", "-c", "./small"}).status != 9) GTEST_SKIP() << "this kernel runs no 32-bit programs";
  RunResult result = lpc({"run", "fix.lp", "--", "./small"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("(small) runs an i386 program, and this lpc patches x86_64 processes "
                                    "[other-machine]\n  state: `./small` was ended before it began\n"));
}

TEST_F(RunRefused, UnderATracer) {
  if (run({"strace", "--version"}).status != 0) GTEST_SKIP() << "strace is not installed";
  std::vector<std::string> traced = {"strace", "-qq", "-o", "/dev/null", "-e", "trace=none"};
  for (const std::string &word : words({"touch", "file"}))
    traced.push_back(word);
  RunResult result = run(traced);
  EXPECT_EQ(result.status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("(`strace`) traces lpc, and a process can have one tracer [already-traced]\n"
                                    "  help: start it without, and attach when the program runs\n"
                                    "  state: the command was not started\n"));
  EXPECT_FALSE(std::filesystem::exists("file"));
}

// The kernel would run it without its privileges, which it may take amiss.
TEST_F(RunRefused, AProgramThatGetsPrivileges) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make such a program";
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
  std::filesystem::permissions("program", std::filesystem::perms::set_uid | std::filesystem::perms(0755));
  std::vector<std::string> nobody = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  for (const std::string &word : words({"touch", "file"}))
    nobody.push_back(word);
  std::vector<std::string> possible(nobody.begin(), nobody.begin() + 4);
  possible.insert(possible.end(), {LPC_COMMAND, "--version"});
  if (run(possible).status != 0) GTEST_SKIP() << "the user nobody may not execute the programs of the tests";
  RunResult result = run(nobody);
  EXPECT_EQ(result.status, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("`./program` gets privileges when it is executed, and the kernel gives a traced "
                                    "program none [not-permitted]\n  help: run lpc as root\n"));
  EXPECT_FALSE(std::filesystem::exists("file"));
  EXPECT_EQ(patched({"show"}).out, std::string(kRunAfter) + "\n"); // root may
}

TEST_F(RunRefused, TwoPatchesOfOnePlace) {
  folder_.write("second.lp", "patch second\ntarget program\nset number int 8 was 6\n");
  RunResult both = lpc({"run", "fix.lp", "second.lp", "--", "./program"}); // the second sees the first
  EXPECT_EQ(both.out, "constructor 7 main 7 number 8 old\n") << both.err;
  RunResult turned = lpc({"run", "second.lp", "fix.lp", "--", "./program", "touch", "file"});
  EXPECT_EQ(turned.status, 3);
  EXPECT_THAT(turned.err, HasSubstr("[expect-failed]"));
  EXPECT_FALSE(std::filesystem::exists("file"));
}

} // namespace
} // namespace lpc::test
