# The 4.7 tool's C++ unpacks its tables in the constructor of a static object, before main, in every command that is
# linked with the parser. This turns that object into a function that unpacks them once, when the parser is first used:
# LivePatch::unpackTables(), LivePatchWords::unpackTables(). It also leaves out the proof that the tables are well formed
# (a sixth of the instructions of a small `lpc check`): they come from the tool, and the tests parse with them.
function(replace_in file from to)
  file(READ "${file}" text)
  string(FIND "${text}" "${from}" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "${file} has no `${from}`: the ANTLR tool has changed what it writes")
  endif()
  string(REPLACE "${from}" "${to}" text "${text}")
  file(WRITE "${file}" "${text}")
endfunction()

foreach(class LivePatchWords LivePatch)
  replace_in(${FOLDER}/${class}.h "static Initializer _init;" "public: static void unpackTables() { static Initializer once; }")
  replace_in(${FOLDER}/${class}.cpp "${class}::Initializer ${class}::_init;" "")
  replace_in(${FOLDER}/${class}.cpp "atn::ATNDeserializer deserializer;"
    "atn::ATNDeserializationOptions trusted; trusted.setVerifyATN(false); atn::ATNDeserializer deserializer(trusted);")
endforeach()

# Whoever parses does so before the tables are there: prediction with them must not be needed.
file(READ "${FOLDER}/LivePatch.cpp" parser)
if(parser MATCHES "adaptivePredict")
  message(FATAL_ERROR "LivePatch.g4 is not LL(1) any more: some alternatives are not told apart by their first word")
endif()
