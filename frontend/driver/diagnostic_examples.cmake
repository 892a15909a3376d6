# Writes OUTPUT, C++ with the golden tests bad-ID.lp and bad-ID.out of FOLDER as examples of each id.
file(GLOB patches ${FOLDER}/bad-*.lp)
set(rows "")
foreach(patch ${patches})
  get_filename_component(name ${patch} NAME_WE)
  if(NOT EXISTS ${FOLDER}/${name}.out)
    continue()
  endif()
  string(SUBSTRING ${name} 4 -1 id) # REGEX REPLACE takes `^` for the start of what is left, too
  file(READ ${patch} text HEX)
  file(READ ${FOLDER}/${name}.out said HEX)
  # The status line and the title of standard error are the test's, not lpc's.
  string(FIND "${said}" "2d2d2d207374646572720a" at) # "--- stderr\n"
  if(at LESS 0)
    continue()
  endif()
  math(EXPR at "${at} + 22")
  string(SUBSTRING "${said}" ${at} -1 said)
  foreach(part text said)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" ${part} "${${part}}")
  endforeach()
  string(APPEND rows "    {\"${id}\", \"${text}\", \"${said}\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"frontend/driver/help.h\"

namespace lpc::driver {
namespace {

constexpr DiagnosticExample kExamples[] = {
${rows}};

} // namespace

std::span<const DiagnosticExample> diagnosticExamples() { return kExamples; }

} // namespace lpc::driver
")
