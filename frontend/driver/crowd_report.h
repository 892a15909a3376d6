// What became of many processes, as a table and as JSON.
#pragma once

#include <string>

#include "frontend/driver/for_all.h"

namespace lpc::driver {

// What a command on all processes has to say.
struct CrowdReport {
  std::string command; // "lpc apply"
  std::string schema;  // "lpc.apply/1"
  std::string patch;   // its name
  std::string file;    // of the patch, for places; "" where there is none
  std::string nobody;  // "runs the program that the patch is for": what is said where there is no row
  Crowd crowd;
};

// Prints it, failures to standard error and the table to standard output, or all as one document; returns the exit
// status, the worst of the processes'.
int printCrowd(const CrowdReport &report, Format format);

// A command that came to an end before anybody was looked for.
int printNobodyTouched(const CrowdReport &report, const std::vector<Diagnostic> &diagnostics, const SourceText &source,
                       int status, Format format);

} // namespace lpc::driver
