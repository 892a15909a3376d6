// Programs in other languages than C: C++ with both of its libraries, Go and Rust as far as `set`, `jmp` and payloads
// in C go. Compilers that are not installed skip their tests.
#include <filesystem>

#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

class Languages : public Linkage {
protected:
  // Skips the test, with what the compiler says.
  void built(const std::vector<std::string> &words) {
    const std::string &compiler = words[0] == "env" ? words[3] : words[0];
    if (!std::filesystem::exists("/usr/bin/" + compiler)) GTEST_SKIP() << compiler << " is not installed";
    if (!compile(words)) GTEST_SKIP() << why_;
  }
  void expectApplied(const std::string &patch, const std::string &answer) {
    folder_.write("fix.lp", "target program\n" + patch);
    RunResult done = apply();
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(), answer);
  }
  void expectReverted(const std::string &answer) {
    RunResult done = revert();
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(ask(), answer);
  }
};

// --- C++ ---------------------------------------------------------------------------------------------------------

constexpr const char *kTypes = R"(
  #include <algorithm>
  #include <map>
  #include <string>
  #include <vector>
  struct Shape { virtual ~Shape() = default; virtual int area() const { return 1; } };
  struct Square : Shape { int side; explicit Square(int s) : side(s) {} int area() const override { return side * side; } };
  extern const Shape *current;
  extern std::map<std::string, int> table;
  extern std::string name;
)";
constexpr const char *kCxxProgram = R"(
  #include <iostream>
  #include "types.h"
  static Square square(3);
  const Shape *current = &square;
  std::map<std::string, int> table{{"one", 1}};
  std::string name = "a name that is longer than any small buffer";
  [[gnu::noinline]] int handle(const std::string &text) { return (int)text.size() + current->area(); }
  int (*volatile callee)(const std::string &) = handle;
  int main() {
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
      int result = callee(line);
      std::cout << "handle " << result << " table " << table.size() << " name " << name.size() << std::endl;
    }
  })";
// Containers that both sides grow, a type made there and asked for here.
constexpr const char *kCxxPayload = R"(
  #include "types.h"
  int fix(const std::string &text) {
    table["grown " + text] += 2;
    name += text;
    std::vector<int> numbers{3, 1, 2};
    std::sort(numbers.begin(), numbers.end());
    return numbers[2] * 1000 + (dynamic_cast<const Square *>(current) ? 100 : 0) + (int)text.size();
  })";

class CxxLibrary : public Languages, public testing::WithParamInterface<std::vector<std::string>> {};

TEST_P(CxxLibrary, SharesContainersAndTypes) {
  folder_.write("types.h", kTypes);
  folder_.write("program.cpp", kCxxProgram);
  folder_.write("payload.cpp", kCxxPayload);
  auto words = [&](std::vector<std::string> more) {
    more.insert(more.begin(), GetParam().begin(), GetParam().end());
    return more;
  };
  ASSERT_NO_FATAL_FAILURE(built(words({"-O2", "-o", "program", "program.cpp"})));
  if (IsSkipped()) return;
  for (const std::vector<std::string> &kind :
       {std::vector<std::string>{"-c"}, {"-shared"}, {"-c", "-fno-exceptions"}}) {
    std::vector<std::string> options{"-O2", "-fPIC", "-o", "payload.o", "payload.cpp"};
    options.insert(options.end(), kind.begin(), kind.end());
    ASSERT_TRUE(compile(words(options))) << why_;
    start({"./program"});
    EXPECT_EQ(ask(), "handle 10 table 1 name 43");
    expectApplied("dl p payload.o\njmp \"handle\" $p:\"fix\"\n", "handle 3101 table 2 name 44");
    expectReverted("handle 10 table 2 name 44");
  }
}

INSTANTIATE_TEST_SUITE_P(Live, CxxLibrary,
                         testing::Values(std::vector<std::string>{"g++"},
                                         std::vector<std::string>{"clang++-19", "-stdlib=libc++"}),
                         [](const auto &test) { return test.param.size() == 1 ? "libstdcxx" : "libcxx"; });

// --- Go ----------------------------------------------------------------------------------------------------------

// Goroutines, so that threads stand in Go's scheduler, on stacks that are pieces of Go's heap.
constexpr const char *kGoProgram = R"(package main
import ("bufio"; "fmt"; "os"; "sync")
var Limit int32 = 100
//go:noinline
func handle(x int) int { if x > 1000 { fmt.Println("large") }; return x + 7 }
//go:noinline
func other(x int) int { if x > 1000 { fmt.Println("large") }; return x * 1000 }
func main() {
	var group sync.WaitGroup
	hold := make(chan int)
	for i := 0; i < 50; i++ { group.Add(1); go func() { group.Done(); <-hold }() }
	group.Wait()
	in := bufio.NewScanner(os.Stdin)
	fmt.Println("ready", other(1))
	for in.Scan() { fmt.Println("handle", handle(len(in.Text())), "limit", Limit) }
}
)";
// Go's own convention (internal/abi: the first integer comes and goes in rax). A leaf: Go's stacks are small, and its
// collector knows no frames but its own.
constexpr const char *kGoPayload =
    "__attribute__((naked)) void fix(void) { __asm__(\"lea 5000(%rax), %rax; ret\"); }\n";

TEST_F(Languages, Go) {
  folder_.write("program.go", kGoProgram);
  folder_.write("payload.c", kGoPayload);
  ASSERT_NO_FATAL_FAILURE(
      built({"env", "HOME=" + folder_.path(), "GOFLAGS=", "go", "build", "-o", "program", "program.go"}));
  if (IsSkipped()) return;
  ASSERT_TRUE(compile({"gcc", "-O2", "-shared", "-fPIC", "-o", "payload.so", "payload.c"})) << why_;
  start({"./program"});
  EXPECT_EQ(ask(), "handle 8 limit 100");
  expectApplied("dl p payload.so\njmp main.handle $p:fix\nset main.Limit i32 500 was 100\n", "handle 5001 limit 500");
  expectReverted("handle 8 limit 100");
  expectApplied("jmp main.handle main.other\n", "handle 1000 limit 100");
  expectReverted("handle 8 limit 100");
}

// --- Rust --------------------------------------------------------------------------------------------------------

constexpr const char *kRustProgram = R"(
use std::io::BufRead;
#[no_mangle] pub static mut LIMIT: i32 = 100;
#[inline(never)] #[no_mangle] pub extern "C" fn handle(x: i32) -> i32 { x + 6 + std::env::args().count() as i32 }
#[inline(never)] fn inner(x: i32) -> i32 { x + std::env::args().count() as i32 }
fn main() {
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        println!("handle {} limit {} inner {}", handle(line.unwrap().len() as i32), unsafe { LIMIT }, inner(1));
    }
}
)";
constexpr const char *kRustPayload = "extern int LIMIT;\nint fix(int x) { return 5000 + LIMIT + x; }\n";

TEST_F(Languages, Rust) {
  folder_.write("program.rs", kRustProgram);
  folder_.write("payload.c", kRustPayload);
  ASSERT_NO_FATAL_FAILURE(built({"rustc", "-O", "-o", "program", "program.rs"}));
  if (IsSkipped()) return;
  ASSERT_TRUE(compile({"gcc", "-O2", "-shared", "-fPIC", "-o", "payload.so", "payload.c"})) << why_;
  start({"./program"});
  EXPECT_EQ(ask(), "handle 8 limit 100 inner 2");
  expectApplied("dl p payload.so\njmp handle $p:fix\nset LIMIT i32 500 was 100\n", "handle 5501 limit 500 inner 2");
  expectReverted("handle 8 limit 100 inner 2");
}

} // namespace
} // namespace lpc::test
