// Proofs 2, 5 and 7 from DWARF as compilers write it: of C and of C++, versions 4 and 5, whole, split, and in a debug
// file of its own. What is said is the same in all of them.
#include <gmock/gmock.h>

#include <filesystem>

#include "support.h"
#include "tests/support/child.h"
#include "tests/support/work_folder.h"

namespace lpc::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char *kShared = R"(
#ifdef __cplusplus
extern "C" {
#endif
#define OWN __attribute__((noinline, noclone))
struct request { int id; struct request *next; long weight; };
struct reply { int id; };
struct order { int id; struct request *next; long weight; }; /* as long as a request */
struct twin { int id; };         /* as long as a reply */
)";

constexpr const char *kProgram = R"(
struct request *last;
struct { int level; float share; const char *name; } config = {1, 2, "name"};
double ratio = 1;
long limit = 7;
int counts[4];
static inline __attribute__((always_inline)) int twice(int n) { return n * n - 7; }
int (*keep)(int) = twice;
OWN int handle(struct request *r, int flags) { return twice(r->id) + flags; }
OWN int answer(struct request *r, int flags) { return twice(twice(r->id)) - flags; }
OWN void note(const char *format, ...) { last = (struct request *)format; }
OWN int take(struct reply reply) { return counts[reply.id & 3] + 1; }
void _start(void) {
  struct reply reply = {3};
  note("%d", handle(last, 1) + answer(last, 2) + take(reply) + keep(counts[1]) + (int)ratio + (int)limit + config.level);
  for (;;) {}
}
#ifdef __cplusplus
}
#endif
)";

constexpr const char *kPayload = R"(
struct bigger { int id; char more[12]; };
int same(struct request *r, unsigned flags) { return r->id - (int)flags; }
int fewer(struct request *r) { return r->id; }
int other_kind(struct request *r, double flags) { return r->id - (int)flags; }
int other_size(struct request *r, long flags) { return r->id - (int)flags; }
int untyped(const void *r, int flags) { return flags + (r != 0); }
int other_structure(struct order *r, int flags) { return r->id - flags; }
struct request *other_result(struct request *r, int flags) { return r->next - flags; }
long longer_result(struct request *r, int flags) { return r->id - flags; }
void steady(const char *format) { (void)format; }
int take_bigger(struct bigger reply) { return reply.id; }
int take_twin(struct twin reply) { return reply.id; }
#ifdef __cplusplus
}
#endif
)";

struct Form {
  const char *name, *source;
  std::vector<std::string> flags;
  bool separate = false;
};

class DwarfForms : public testing::TestWithParam<Form> {
protected:
  void SetUp() override {
    const Form &form = GetParam();
    std::vector<std::string> flags = {"-O1", "-fno-pie", "-no-pie", "-static", "-Wl,--build-id"}, shared = form.flags;
    flags.insert(flags.end(), form.flags.begin(), form.flags.end());
    shared.insert(shared.end(), {"-O1", "-fPIC", "-shared"});
    program_ = build({.sources = {{form.source, std::string(kShared) + kProgram}}, .flags = flags});
    payload_ = build({.sources = {{form.source, std::string(kShared) + kPayload}}, .flags = shared, .name = "p.so"});
    if (!form.separate) return;
    fs::copy_file(program_, "server.debug");
    ASSERT_EQ(run({"objcopy", "--strip-debug", "--add-gnu-debuglink=server.debug", program_, "server"}).status, 0);
    program_ = "server";
  }
  // What is said of one statement below `dl p`.
  std::string said(const std::string &statement) {
    Checked checked = check("dl p " + fs::path(payload_).filename().string() + "\n" + statement + "\n", program_, {},
                            fs::path(payload_).parent_path());
    EXPECT_TRUE(checked.good) << checked.text;
    return checked.text;
  }

  WorkFolder folder_; // the current one
  std::string program_, payload_;
};

TEST_P(DwarfForms, SignaturesOfAFunctionAndItsReplacement) {
  EXPECT_EQ(said("jmp handle $p:same"), "");
  EXPECT_THAT(said("jmp handle $p:fewer"),
              HasSubstr("`fewer` has 1 parameter, and `handle`, which it replaces, has 2"));
  EXPECT_THAT(said("jmp handle $p:other_kind"), HasSubstr("parameter 2 of `other_kind` is `double`"));
  EXPECT_THAT(said("jmp handle $p:other_size"), HasSubstr("parameter 2 of `other_size` is `long int`"));
  EXPECT_THAT(said("jmp handle $p:other_structure"), HasSubstr("parameter 1 of `other_structure` is `order *`"));
  EXPECT_EQ(said("jmp handle $p:untyped"), "");
  EXPECT_THAT(said("jmp handle $p:other_result"), HasSubstr("`other_result` returns `request *`"));
  EXPECT_THAT(said("jmp handle $p:longer_result"), HasSubstr("`longer_result` returns `long int`"));
  EXPECT_THAT(said("jmp note $p:steady"), HasSubstr("one of `steady` and `note`, which it replaces, takes a variable"));
  EXPECT_THAT(said("jmp take $p:take_bigger"), HasSubstr("parameter 1 of `take_bigger` is `bigger`"));
  EXPECT_THAT(said("jmp take $p:take_twin"), HasSubstr("parameter 1 of `take_twin` is `twin`"));
}

TEST_P(DwarfForms, KindsAndSizesOfVariables) {
  EXPECT_EQ(said("set limit i64 8\nset ratio f64 2\nset last addr limit\nset counts+4 u32 1\nset config+4 f32 1"), "");
  EXPECT_THAT(said("set last u64 8"), HasSubstr("`last` is a pointer, `request *` [type-mismatch]"));
  EXPECT_THAT(said("set limit addr ratio"), HasSubstr("`limit` is of type `long int` [type-mismatch]"));
  EXPECT_THAT(said("set ratio u64 8"), HasSubstr("`ratio` is of type `double` [type-mismatch]"));
  EXPECT_THAT(said("set limit f64 8"), HasSubstr("`limit` is of type `long int` [type-mismatch]"));
  EXPECT_THAT(said("set config+8 u64 8"), HasSubstr("`config.name` is a pointer, `char *` [type-mismatch]"));
  EXPECT_THAT(said("set config+4 u32 8"), HasSubstr("`config.share` is of type `float` [type-mismatch]"));
  EXPECT_THAT(said("set limit u32 8"), HasSubstr("`limit` is of type `long int`, which has 8 [variable-size]"));
  EXPECT_THAT(said("set counts+4 u16 8"), HasSubstr("`counts[]` is of type `int`, which has 4 [variable-size]"));
}

TEST_P(DwarfForms, CopiesThatWereInlined) {
  EXPECT_THAT(said("return twice 1"), HasSubstr("inlined `twice` into `handle` and 1 other function"));
  EXPECT_THAT(said("return twice 1\njmp handle $p:same"), HasSubstr("inlined `twice` into `answer`, and that code"));
  EXPECT_EQ(said("return twice 1\njmp handle $p:same\nreturn answer 1"), "");
}

INSTANTIATE_TEST_SUITE_P(Compilers, DwarfForms,
                         testing::Values(Form{"C_4", "server.c", {"-gdwarf-4"}}, Form{"C_5", "server.c", {"-gdwarf-5"}},
                                         Form{"C_4_split", "server.c", {"-gdwarf-4", "-gsplit-dwarf"}},
                                         Form{"C_5_split", "server.c", {"-gdwarf-5", "-gsplit-dwarf"}},
                                         Form{"C_5_separate", "server.c", {"-gdwarf-5"}, true},
                                         Form{"Cxx_4", "server.cpp", {"-gdwarf-4"}},
                                         Form{"Cxx_5", "server.cpp", {"-gdwarf-5"}},
                                         Form{"Cxx_5_split", "server.cpp", {"-gdwarf-5", "-gsplit-dwarf"}},
                                         Form{"Cxx_4_separate", "server.cpp", {"-gdwarf-4"}, true}),
                         [](const auto &test) { return std::string(test.param.name); });

} // namespace
} // namespace lpc::test
