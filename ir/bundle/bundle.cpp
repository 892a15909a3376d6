// Order of reading: the box, the version of the format, the digest of the whole, and only then the contents. The digest
// tells accidents (a copy that was cut off, a flipped bit) from patches; whether the patch is one to be trusted is said
// by a signature (signature.h) and by nothing in the file. Everything beneath the digest is read as if there were none.
#include "ir/bundle/bundle.h"

#include <algorithm>
#include <map>

#include "ir/bundle/elf_container.h"
#include "ir/bundle/note.h"
#include "ir/bundle/pack.h"
#include "ir/support/cat.h"
#include "ir/support/sha256.h"
#include "ir/verify.h"

namespace lpc::ir {
namespace {

constexpr std::string_view kNote = ".note.lp", kIr = ".lp.ir", kPayload = ".lp.payload.";

std::string irName(size_t build) { return build == 0 ? std::string(kIr) : cat(kIr, ".", build); }

Bytes targetBuild(const Patch &patch) { return patch.objects.empty() ? Bytes{} : patch.objects.front().buildId; }

bool sameBuilds(const Patch &a, const Patch &b) {
  return std::ranges::equal(a.objects, b.objects, {}, &Object::buildId, &Object::buildId);
}

// Why the builds cannot stand in one bundle; empty where they can.
std::string misfit(const std::vector<Patch> &builds) {
  if (builds.empty() || builds.size() > kMostBuilds) return cat("a bundle has 1 to ", kMostBuilds, " builds");
  for (size_t i = 1; i < builds.size(); i++) {
    const Patch &first = builds.front(), &build = builds[i];
    if (build.name != first.name || build.version != first.version) return "its builds are of different patches";
    if (build.machine != first.machine)
      return cat("its builds are for different machines, ", lpc::name(first.machine), " and ",
                 lpc::name(build.machine));
  }
  if (builds.size() == 1) return {};
  for (size_t i = 0; i < builds.size(); i++) {
    if (targetBuild(builds[i]).empty())
      return cat("`", builds[i].objects.empty() ? "" : builds[i].objects.front().path,
                 "` has no build-id, by which a build is chosen among several");
    for (size_t j = 0; j < i; j++)
      if (sameBuilds(builds[i], builds[j]))
        return cat("`", builds[j].objects.front().path, "` and `", builds[i].objects.front().path,
                   "` are the same build");
  }
  return {};
}

BundleNote noteOf(const std::vector<Patch> &builds) {
  BundleNote note{kBundleVersion, builds.front().name, builds.front().version, {}};
  for (const Patch &build : builds)
    note.builds.push_back(targetBuild(build));
  return note;
}

std::unexpected<Error> damaged(const std::string &what) {
  return fail(DiagnosticId::BadIr, "the bundle is damaged: " + what);
}

// SHA-256 of the file with zeros in place of the digest, which is a view of it.
Bytes digestOf(BytesView file, BytesView digest) {
  Bytes copy(file.begin(), file.end());
  std::fill_n(copy.begin() + (digest.data() - file.data()), digest.size(), uint8_t{0});
  return sha256(copy);
}

Result<BytesView> sectionOf(const Container &container, const std::string &name) {
  auto found = container.sections.find(name);
  if (found == container.sections.end()) return damaged(cat("it has no section `", name, "`"));
  return found->second;
}

Result<ReadNote> noteIn(const Container &container) {
  auto section = container.sections.find(kNote);
  if (section == container.sections.end())
    return fail(DiagnosticId::BadIr, "the file is an ELF file, but no bundle of lpc: it has no section `.note.lp`",
                "a patch is a text or what `lpc build` made of one; programs and payloads are named inside it");
  return readNote(section->second);
}

// What has been read, so that a file which says the same bytes again and again does not grow without limit.
struct Taken {
  uint64_t ir = 0, payloads = 0; // bytes
};

Result<Patch> readBuild(const Container &container, size_t build, uint64_t fileSize, Taken &taken) {
  auto section = sectionOf(container, irName(build));
  if (!section) return std::unexpected(std::move(section.error()));
  taken.ir += section->size();
  if (taken.ir > fileSize) return damaged("its sections lie over each other");
  auto patch = unpack(*section, [&](uint64_t number) -> Result<Bytes> {
    auto payload = sectionOf(container, cat(kPayload, number));
    if (!payload) return std::unexpected(std::move(payload.error()));
    taken.payloads += payload->size(); // each at most the file's length
    if (taken.payloads > kMostPayloadBytes) return damaged("its payloads take more memory than lpc gives them");
    return Bytes(payload->begin(), payload->end());
  });
  if (!patch) return patch;
  if (patch->machine != container.machine) return damaged("its IR is for another machine than its ELF header says");
  std::vector<std::string> findings = verify(*patch);
  if (findings.empty()) return patch;
  return damaged("its IR is not a well-formed patch: " + findings.front());
}

Result<Bundle> readContents(const Container &container, const BundleNote &note, uint64_t fileSize) {
  if (note.builds.size() > kMostBuilds) return damaged("it has more builds than a bundle can have");
  Bundle bundle;
  Taken taken;
  for (size_t i = 0; i < note.builds.size(); i++) {
    auto build = readBuild(container, i, fileSize, taken);
    if (!build) return std::unexpected(std::move(build.error()));
    bundle.builds.push_back(std::move(*build));
  }
  if (std::string why = misfit(bundle.builds); !why.empty()) return damaged(why);
  if (noteOf(bundle.builds) != note) return damaged("its note and its IR contradict each other");
  return bundle;
}

} // namespace

bool isBundle(std::string_view file) {
  return file.starts_with("\x7f"
                          "ELF");
}

Result<Bytes> writeBundle(const Bundle &bundle) {
  if (std::string why = misfit(bundle.builds); !why.empty()) return fail(DiagnosticId::Usage, "cannot bundle: " + why);
  std::vector<Section> sections = {{std::string(kNote), true, writeNote(noteOf(bundle.builds))}};
  std::map<Bytes, uint32_t> numbers; // of contents
  std::vector<const Bytes *> payloads;
  uint64_t payloadBytes = 0;
  for (size_t i = 0; i < bundle.builds.size(); i++) {
    Bytes packed = pack(bundle.builds[i], [&](const Bytes &bytes) {
      payloadBytes += bytes.size();
      auto [known, fresh] = numbers.try_emplace(bytes, static_cast<uint32_t>(numbers.size()));
      if (fresh) payloads.push_back(&known->first);
      return known->second;
    });
    sections.push_back({irName(i), false, std::move(packed)});
  }
  if (payloadBytes > kMostPayloadBytes || sections.size() + payloads.size() > kMostSections)
    return fail(DiagnosticId::FileTooLarge, "the payloads are more than a bundle can hold (2 GiB, in 61,000 files)");
  for (size_t i = 0; i < payloads.size(); i++)
    sections.push_back({cat(kPayload, i), false, *payloads[i]});

  Bytes file = writeContainer(bundle.builds.front().machine, sections);
  Container container = *readContainer(file);
  BytesView digest = noteIn(container)->digest;
  auto at = digest.data() - file.data();
  std::ranges::copy(digestOf(file, digest), file.begin() + at);
  return file;
}

Result<Bundle> readBundle(BytesView file) {
  auto container = readContainer(file);
  if (!container) return std::unexpected(std::move(container.error()));
  auto note = noteIn(*container);
  if (!note) return std::unexpected(std::move(note.error()));
  if (!std::ranges::equal(digestOf(file, note->digest), note->digest))
    return damaged("its contents are not those that its digest was taken of");
  return readContents(*container, note->note, file.size());
}

Result<Bundle> readBundleUnchecked(BytesView file) {
  auto container = readContainer(file);
  if (!container) return std::unexpected(std::move(container.error()));
  auto note = noteIn(*container);
  if (!note) return std::unexpected(std::move(note.error()));
  return readContents(*container, note->note, file.size());
}

Bytes statedDigest(BytesView file) {
  auto container = readContainer(file);
  if (!container) return {};
  auto note = noteIn(*container);
  return note ? Bytes(note->digest.begin(), note->digest.end()) : Bytes{};
}

} // namespace lpc::ir
