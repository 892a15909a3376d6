// Thread-local variables of the process, in all access models, from shared and relocatable objects: called in two
// threads of this program, each with its own.
#include <gtest/gtest.h>
#include <link.h>
#include <sys/mman.h>

#include <cstring>
#include <thread>

#include "link_support.h"

thread_local int linkTestVariable = 1;   // not in a namespace: its name is its symbol's
extern "C" void *__tls_get_addr(void *); // of the dynamic linker; no header declares it

namespace lpc::backend {
namespace {

constexpr const char *kSource = R"(
  extern __thread int linkTestVariable;
  int add(int x) { return linkTestVariable += x; }
  int *where(void) { return &linkTestVariable; })";

struct Model {
  const char *name;
  bool object;
  std::vector<std::string> flags;
};

void PrintTo(const Model &model, std::ostream *out) { *out << model.name; }

// As a process's linker has it: this program is the first module, its block lies below the thread pointer.
ThreadLocalPlace ownPlace(bool isStatic) {
  ThreadLocalPlace place{.module = 1};
  int64_t memory = 0, alignment = 1, start = 0;
  struct Segment {
    int64_t *memory, *alignment;
  } segment{&memory, &alignment};
  dl_iterate_phdr(
      [](dl_phdr_info *info, size_t, void *data) {
        for (int i = 0; i < info->dlpi_phnum; i++)
          if (info->dlpi_phdr[i].p_type == PT_TLS) {
            *static_cast<Segment *>(data)->memory = static_cast<int64_t>(info->dlpi_phdr[i].p_memsz);
            *static_cast<Segment *>(data)->alignment = static_cast<int64_t>(info->dlpi_phdr[i].p_align);
          }
        return 1; // the program comes first
      },
      &segment);
  start = -(memory + alignment - 1) / alignment * alignment;
  auto pointer = reinterpret_cast<int64_t>(__builtin_thread_pointer());
  int64_t offset = reinterpret_cast<int64_t>(&linkTestVariable) - pointer;
  place.offset = static_cast<uint64_t>(offset - start);
  if (isStatic) place.fromThread = offset;
  return place;
}

// A payload in executable memory.
class Placed {
public:
  Placed(const PayloadImage &image, bool isStatic) : image_(image) {
    memory_ = static_cast<uint8_t *>(
        mmap(nullptr, image.size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    auto content = image.place(
        {reinterpret_cast<uint64_t>(memory_)},
        [](const UndefinedSymbol &symbol) -> Result<RemoteAddress> {
          bool tls = symbol.name == "__tls_get_addr"; // the rest is of start files, and never called
          return RemoteAddress{tls ? reinterpret_cast<uint64_t>(&__tls_get_addr) : 0};
        },
        [&](const UndefinedSymbol &symbol) -> Result<ThreadLocalPlace> {
          EXPECT_EQ(symbol.name, "linkTestVariable");
          return ownPlace(isStatic);
        });
    if (!content) error = content.error();
    if (content) std::memcpy(memory_, content->data(), content->size());
  }
  Placed(const Placed &) = delete;
  Placed &operator=(const Placed &) = delete;
  ~Placed() { munmap(memory_, image_.size); }
  template <class T> T *at(const std::string &name) const {
    return reinterpret_cast<T *>(memory_ + image_.find(name)->offset);
  }
  std::optional<Error> error;

private:
  const PayloadImage &image_;
  uint8_t *memory_ = nullptr;
};

Result<PayloadImage> build(const Model &model) {
  return test::read(model.object ? test::compileObject("gcc", kSource, model.flags)
                                 : test::compile(kSource, model.flags));
}

class ThreadLocals : public testing::TestWithParam<Model> {};

TEST_P(ThreadLocals, EachThreadHasItsOwn) {
  auto image = build(GetParam());
  ASSERT_TRUE(image.has_value()) << image.error().message;
  Placed payload(*image, true);
  ASSERT_FALSE(payload.error) << payload.error->message;
  linkTestVariable = 5;
  EXPECT_EQ(payload.at<int(int)>("add")(2), 7);
  EXPECT_EQ(linkTestVariable, 7);
  EXPECT_EQ(payload.at<int *()>("where")(), &linkTestVariable);
  std::thread([&] {
    EXPECT_EQ(payload.at<int(int)>("add")(10), 11);
    EXPECT_EQ(payload.at<int *()>("where")(), &linkTestVariable);
  }).join();
  EXPECT_EQ(linkTestVariable, 7);
}

const Model kModels[] = {{"SharedGeneralDynamic", false, {}},
                         {"SharedInitialExec", false, {"-ftls-model=initial-exec"}},
                         {"SharedDescriptor", false, {"-mtls-dialect=gnu2"}},
                         {"GeneralDynamic", true, {"-O2", "-fPIC"}},
                         {"GeneralDynamicNoPlt", true, {"-O2", "-fPIC", "-fno-plt"}},
                         {"GeneralDynamicLarge", true, {"-O2", "-fPIC", "-mcmodel=large"}},
                         {"LocalDynamic", true, {"-O2", "-fPIC", "-ftls-model=local-dynamic"}},
                         {"InitialExec", true, {"-O2", "-fPIC", "-ftls-model=initial-exec"}},
                         {"InitialExecNoPic", true, {"-O2", "-fno-pic"}},
                         {"LocalExec", true, {"-O2", "-fno-pic", "-ftls-model=local-exec"}},
                         {"Descriptor", true, {"-O2", "-fPIC", "-mtls-dialect=gnu2"}}};
INSTANTIATE_TEST_SUITE_P(AllModels, ThreadLocals, testing::ValuesIn(kModels),
                         [](const auto &model) { return std::string(model.param.name); });

TEST(ThreadLocal, WhatIsNotStaticNeedsTheDynamicModel) {
  for (const Model &model : kModels) {
    auto image = build(model);
    ASSERT_TRUE(image.has_value()) << model.name;
    Placed payload(*image, false);
    std::string_view name = model.name;
    bool dynamic = name.find("Dynamic") != std::string_view::npos;
    EXPECT_EQ(payload.error.has_value(), !dynamic) << name;
    if (!payload.error) continue;
    EXPECT_EQ(payload.error->id, DiagnosticId::ThreadLocalSymbol);
    EXPECT_NE(payload.error->help.find("global-dynamic"), std::string::npos);
  }
}

} // namespace
} // namespace lpc::backend
