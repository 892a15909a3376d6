// The modules of live processes: every way of linking, libraries opened later, files that are no longer what they were.
#include "runtime/modules.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;
namespace fs = std::filesystem;

class Folder {
public:
  Folder() {
    std::string name = fs::temp_directory_path() / "lpc-modules-XXXXXX";
    if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  // Compiles a program or library from C; nothing where the compiler cannot (no static libc).
  std::optional<std::string> compile(const std::string &name, const std::string &source,
                                     std::vector<std::string> options) const {
    std::ofstream(path_ / (name + ".c")) << source;
    std::vector<std::string> words{"gcc", "-O1", "-o", path_ / name, path_ / (name + ".c")};
    words.insert(words.end(), options.begin(), options.end());
    auto result = run(words);
    if (result.status != 0) return std::nullopt;
    return path_ / name;
  }
  [[nodiscard]] fs::path path() const { return path_; }

private:
  fs::path path_;
};

const char *const kWaits =
    "#include <stdio.h>\nint main(void) { puts(\"ready\"); fflush(stdout); return getchar() == EOF; }\n";

std::vector<Module> modulesOf(const Process &process) {
  auto maps = readMaps(process);
  auto modules = maps ? readModules(process, *maps) : std::unexpected(maps.error());
  if (!modules) throw std::runtime_error(modules.error().message);
  // What holds for all of them.
  EXPECT_TRUE(modules->at(0).isProgram);
  EXPECT_TRUE(modules->back().isVdso);
  for (const Module &module : *modules) {
    EXPECT_EQ(&module == modules->data(), module.isProgram);
    EXPECT_EQ(&module == &modules->back(), module.isVdso);
    EXPECT_EQ(moduleAt(*modules, module.range.begin), &module);
    EXPECT_EQ(moduleAt(*modules, module.range.end - 1), &module);
    EXPECT_NE(mappingAt(*maps, module.range.begin), nullptr);
    EXPECT_FALSE(module.path.empty());
    auto magic = process.read(module.range.begin, 4);
    EXPECT_TRUE(magic && (*magic == Bytes{0x7f, 'E', 'L', 'F'})) << module.path;
    // The file that it opens is the one that is mapped.
    const Mapping *mapping = mappingAt(*maps, module.range.begin);
    struct stat file{};
    if (!module.openPath.empty() && mapping->inode != 0) {
      EXPECT_EQ(stat(module.openPath.c_str(), &file), 0) << module.openPath;
      EXPECT_EQ(file.st_ino, mapping->inode);
    }
  }
  return std::move(*modules);
}

const Module *named(const std::vector<Module> &modules, const std::string &soname) {
  auto found = std::ranges::find(modules, soname, &Module::soname);
  return found == modules.end() ? nullptr : &*found;
}

// The build-id that readelf finds in the file.
std::string buildIdByReadelf(const std::string &file) {
  std::string text = run({"readelf", "-n", file}).out;
  size_t at = text.find("Build ID: ");
  return at == std::string::npos ? "" : text.substr(at + 10, text.find('\n', at) - at - 10);
}

TEST(Modules, ProgramsLinkedDynamically) {
  Folder folder;
  for (const std::vector<std::string> &options : {std::vector<std::string>{"-fPIE", "-pie"},
                                                  {"-fno-pie", "-no-pie"},
                                                  {"-fno-pie", "-no-pie", "-Wl,-z,noseparate-code"}}) {
    auto program = folder.compile("program", kWaits, options);
    ASSERT_TRUE(program);
    Child child({*program});
    ASSERT_TRUE(child.lineWith("ready"));
    Process process = opened(child.pid());
    auto modules = modulesOf(process);
    ASSERT_EQ(modules.size(), 4U);
    EXPECT_EQ(modules[0].path, *program);
    EXPECT_EQ(modules[0].soname, "");
    EXPECT_EQ(modules[0].bias.value == 0, options[1] == "-no-pie");
    EXPECT_EQ(toHex(modules[0].buildId), buildIdByReadelf(*program));
    EXPECT_EQ(modules[1].soname, "libc.so.6");
    EXPECT_EQ(toHex(modules[1].buildId), buildIdByReadelf(modules[1].path));
    EXPECT_TRUE(modules[2].isLoader);
    EXPECT_EQ(modules[2].soname, "ld-linux-x86-64.so.2");
    EXPECT_EQ(modules[3].path, "[vdso]");
    EXPECT_EQ(modules[3].soname, "linux-vdso.so.1");
  }
}

// The bias is right: a symbol of the library is where dladdr-like arithmetic puts it, in a process of the same
// libraries.
TEST(Modules, BiasAndOrderAreTheDynamicLinkers) {
  Folder folder;
  auto second = folder.compile("libsecond.so", "int second = 2;\n", {"-shared", "-fPIC", "-Wl,-soname,libsecond.so.7"});
  auto first = folder.compile("libfirst.so", "extern int second; int *first(void) { return &second; }\n",
                              {"-shared", "-fPIC", *second, "-Wl,-rpath," + folder.path().string()});
  ASSERT_TRUE(second && first);
  fs::create_symlink(*second, folder.path() / "libsecond.so.7");
  auto program = folder.compile(
      "program",
      "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <link.h>\n#include <stdio.h>\nextern int *first(void);\n"
      "static int show(struct dl_phdr_info *i, size_t s, void *d) { (void)s, (void)d;\n"
      "  printf(\"%#lx %s\\n\", (unsigned long)i->dlpi_addr, i->dlpi_name); return 0; }\n"
      "int main(void) { *first() = 3; dlopen(\"libm.so.6\", RTLD_NOW); dl_iterate_phdr(show, NULL);\n"
      "  puts(\"ready\"); fflush(stdout); return getchar() == EOF; }\n",
      {*first, "-Wl,-rpath," + folder.path().string(), "-Wl,--allow-shlib-undefined"});
  ASSERT_TRUE(program);
  Child child({*program});
  std::vector<std::pair<std::string, uint64_t>> expected; // as the process itself sees them
  for (auto line = child.line(); line && *line != "ready"; line = child.line())
    expected.emplace_back(line->substr(line->find(' ') + 1), std::stoull(*line, nullptr, 16));
  ASSERT_GE(expected.size(), 6U);
  Process process = opened(child.pid());
  auto modules = modulesOf(process);
  std::erase_if(expected, [](const auto &each) { return each.first.find("vdso") != std::string::npos; });
  ASSERT_EQ(modules.size(), expected.size() + 1);
  for (size_t i = 0; i < expected.size(); i++) {
    EXPECT_EQ(modules[i].bias.value, expected[i].second) << modules[i].path;
    EXPECT_TRUE(i == 0 || modules[i].path == expected[i].first) << modules[i].path;
  }
  EXPECT_NE(named(modules, "libsecond.so.7"), nullptr);
  EXPECT_NE(named(modules, "libm.so.6"), nullptr); // opened later
}

// Its data begin in the first page of the file, which is mapped once more for them, with the ELF header in front.
TEST(Modules, ALibraryWithoutSeparateCode) {
  Folder folder;
  auto library = folder.compile("libone.so", "int data = 2;\nint *where(void) { return &data; }\n",
                                {"-shared", "-fPIC", "-Wl,-z,noseparate-code", "-Wl,-soname,libone.so.1"});
  ASSERT_TRUE(library);
  fs::create_symlink(*library, folder.path() / "libone.so.1");
  auto program = folder.compile("program",
                                "#include <stdio.h>\nextern int *where(void);\n"
                                "int main(void) { printf(\"%d\\n\", *where()); puts(\"ready\"); fflush(stdout);\n"
                                "  return getchar() == EOF; }\n",
                                {*library, "-Wl,-rpath," + folder.path().string()});
  ASSERT_TRUE(program);
  Child child({*program});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  auto modules = modulesOf(process);
  ASSERT_EQ(modules.size(), 5U);
  const Module *module = named(modules, "libone.so.1");
  ASSERT_NE(module, nullptr);
  EXPECT_EQ(module->path, folder.path() / "libone.so.1");
  auto maps = readMaps(process);
  ASSERT_TRUE(maps);
  auto copies = std::ranges::count_if(
      *maps, [&](const Mapping &each) { return module->range.contains(each.range.begin) && each.offset == 0; });
  EXPECT_GE(copies, 2) << "the linker lays libraries out in another way: this test shows nothing";
  EXPECT_EQ(module->bias.value, module->range.begin.value);
  EXPECT_TRUE(mappingAt(*maps, module->range.begin)->executable);
}

TEST(Modules, StaticProgramsHaveOne) {
  Folder folder;
  for (const char *option : {"-static", "-static-pie"}) {
    auto program = folder.compile("program", kWaits, {option});
    if (!program) GTEST_SKIP() << "no static libc here";
    Child child({*program});
    ASSERT_TRUE(child.lineWith("ready"));
    Process process = opened(child.pid());
    auto modules = modulesOf(process);
    ASSERT_EQ(modules.size(), 2U) << option;
    EXPECT_EQ(modules[0].path, *program);
    EXPECT_EQ(toHex(modules[0].buildId), buildIdByReadelf(*program));
    EXPECT_EQ(modules[0].bias.value == 0, std::string(option) == "-static");
  }
}

TEST(Modules, AProgramWithoutBuildId) {
  Folder folder;
  auto program = folder.compile("program", kWaits, {"-Wl,--build-id=none"});
  ASSERT_TRUE(program);
  Child child({*program});
  ASSERT_TRUE(child.lineWith("ready"));
  EXPECT_TRUE(modulesOf(opened(child.pid()))[0].buildId.empty());
}

TEST(Modules, FilesThatWereReplacedSinceTheStart) {
  Folder folder;
  auto library =
      folder.compile("libown.so", "int own(void) { return 1; }\n", {"-shared", "-fPIC", "-Wl,-soname,libown.so"});
  ASSERT_TRUE(library);
  auto program = folder.compile("program",
                                "#include <stdio.h>\nint own(void);\nint main(void) { puts(\"ready\"); fflush(stdout); "
                                "return own() + getchar(); }\n",
                                {*library, "-Wl,-rpath," + folder.path().string()});
  ASSERT_TRUE(program);
  std::map<std::string, std::string> ids{{*program, buildIdByReadelf(*program)},
                                         {*library, buildIdByReadelf(*library)}};
  Child child({*program});
  ASSERT_TRUE(child.lineWith("ready"));
  fs::remove(*library);
  ASSERT_TRUE(
      folder.compile("libown.so", "int own(void) { return 222; }\n", {"-shared", "-fPIC", "-Wl,-soname,libown.so"}));
  fs::remove(*program); // and this one is gone for good
  Process process = opened(child.pid());
  auto modules = modulesOf(process);
  EXPECT_EQ(modules[0].path, *program);
  EXPECT_EQ(toHex(modules[0].buildId), ids[*program]);
  EXPECT_EQ(buildIdByReadelf(modules[0].openPath), ids[*program]);
  const Module *own = named(modules, "libown.so");
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->path, *library);
  EXPECT_EQ(toHex(own->buildId), ids[*library]);
  EXPECT_NE(buildIdByReadelf(*library), ids[*library]);
  if (own->openPath.empty()) GTEST_SKIP() << "no privilege for map_files";
  EXPECT_EQ(buildIdByReadelf(own->openPath), ids[*library]);
}

TEST(Modules, ThroughTheDynamicLinkerByHand) {
  Folder folder;
  auto program = folder.compile("program", kWaits, {"-fPIE", "-pie"});
  ASSERT_TRUE(program);
  Child child({"/lib64/ld-linux-x86-64.so.2", *program});
  ASSERT_TRUE(child.lineWith("ready"));
  auto modules = modulesOf(opened(child.pid()));
  EXPECT_NE(named(modules, "libc.so.6"), nullptr);
  EXPECT_TRUE(std::ranges::any_of(modules, [&](const Module &m) { return m.path == *program; }));
}

// A process that lies: its link map has a loop, and entries that point nowhere.
TEST(Modules, ACorruptLinkMapIsSurvived) {
  Folder folder;
  auto program =
      folder.compile("program",
                     "#define _GNU_SOURCE\n#include <link.h>\n#include <stdio.h>\n#include <string.h>\n"
                     "int main(int argc, char **argv) { struct link_map *m = _r_debug.r_map, *n = m->l_next;\n"
                     "  static struct link_map bad; if (argc < 2) return 1;\n"
                     "  if (!strcmp(argv[1], \"loop\")) { while (n->l_next) n = n->l_next; n->l_next = m; }\n"
                     "  if (!strcmp(argv[1], \"wild\")) m->l_next = (struct link_map *)0x123456789abcUL;\n"
                     "  if (!strcmp(argv[1], \"name\")) n->l_name = (char *)-5L;\n"
                     "  if (!strcmp(argv[1], \"dynamic\")) { bad = *n; bad.l_ld = (void *)stdout; m->l_next = &bad; }\n"
                     "  if (!strcmp(argv[1], \"bias\")) n->l_addr = 0x1234;\n"
                     "  if (!strcmp(argv[1], \"state\")) *(int *)&_r_debug.r_state = RT_ADD;\n"
                     "  printf(\"ready\\n\"); fflush(stdout); getchar(); _Exit(0); }\n",
                     {"-fPIE", "-pie"});
  ASSERT_TRUE(program);
  for (const char *how : {"none", "loop", "wild", "name", "dynamic", "bias", "state"}) {
    Child child({*program, how});
    ASSERT_TRUE(child.lineWith("ready")) << how;
    auto modules = modulesOf(opened(child.pid()));
    EXPECT_EQ(modules.size(), 4U) << how; // what the list lost, the mappings have
    const Module *libc = named(modules, "libc.so.6");
    ASSERT_NE(libc, nullptr) << how;
    EXPECT_EQ(libc->bias.value, libc->range.begin.value) << how;
  }
}

TEST(Modules, BeforeTheDynamicLinkerHasRun) {
  // Stopped at its first instruction: the program and the loader are mapped, and no list is there.
  pid_t pid = fork();
  if (pid == 0) {
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    execl(target("crowd_pie").c_str(), "crowd", nullptr);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFSTOPPED(status));
  {
    Process process = opened(pid); // by ourselves: no hindrance
    auto modules = modulesOf(process);
    ASSERT_EQ(modules.size(), 3U);
    EXPECT_TRUE(modules[1].isLoader);
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

} // namespace
} // namespace lpc::runtime
