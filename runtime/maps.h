// The mappings of a process (/proc/PID/maps, proc_pid_maps(5)), and free space among them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/process.h"

namespace lpc::runtime {

struct Mapping {
  RemoteRange range;
  bool readable = false, writable = false, executable = false, shared = false;
  uint64_t offset = 0;            // in the file
  uint64_t device = 0, inode = 0; // device as stat(2)'s st_dev
  // "" anonymous, "[heap]", "/memfd:livepatch (deleted)", …: as the kernel writes it, a newline in it as \012.
  std::string path;
  bool operator==(const Mapping &) const = default;
};

// Ascending by address. Safe for any content (paths may hold newlines escaped as \012 and anything else).
Result<std::vector<Mapping>> readMaps(const Process &process);
// Lines that are none of the kernel's are left out, and so is what overlaps an earlier line.
std::vector<Mapping> parseMaps(std::string_view text);

const Mapping *mappingAt(const std::vector<Mapping> &maps, RemoteAddress address);

// A free, page-aligned range of `size` bytes such that every byte of it is within `reach` bytes of every byte of `near`
// (±2 GiB less a margin for x86 rel32). Prefers space below the text, never directly above the heap or below a stack;
// each candidate once: index 0 is the best, later ones are for MAP_FIXED_NOREPLACE that failed with EEXIST.
std::vector<RemoteAddress> freeSpace(const std::vector<Mapping> &maps, RemoteRange near, uint64_t size, uint64_t reach);

} // namespace lpc::runtime
