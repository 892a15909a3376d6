// In the place of the ANTLR runtime's header of the same name, which the generated code includes: only what the
// generated code and frontend/parse use. The whole one does not compile with clang (misc/InterpreterDataReader.h),
// which the fuzzers and clang-tidy need.
#pragma once

#include "antlr4-common.h"

#include "ANTLRInputStream.h"
#include "BailErrorStrategy.h"
#include "CommonToken.h"
#include "CommonTokenStream.h"
#include "Exceptions.h"
#include "Lexer.h"
#include "NoViableAltException.h"
#include "Parser.h"
#include "ParserRuleContext.h"
#include "RecognitionException.h"
#include "Token.h"
#include "Vocabulary.h"
#include "atn/ATN.h"
#include "atn/ATNDeserializer.h"
#include "atn/ATNState.h"
#include "atn/LexerATNSimulator.h"
#include "atn/ParserATNSimulator.h"
#include "atn/PredictionContext.h"
#include "atn/Transition.h"
#include "dfa/DFA.h"
#include "misc/IntervalSet.h"
#include "tree/TerminalNode.h"
