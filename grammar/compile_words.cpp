// Makes tables of LivePatchWords.g4, at build time: a deterministic automaton for each lexical mode.
//
// ANTLR's lexer builds such automata while it reads, from tables that it unpacks first: half of what a small
// `lpc check` did, and half of what a large one did. Here its own network (ATN) is walked once, by the subset
// construction, so the grammar stays the only place that says what a word is; frontend/parse/words.h plays the tables,
// and tests compare it with ANTLR's lexer. A lexer by hand would say everything twice.
//
// What the grammar does not use is refused: predicates, non-greedy loops, `more`, channels, actions in fragments, and
// a mode in which some character starts no word.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <vector>

#include "LivePatchWords.h"
#include "atn/ActionTransition.h"
#include "atn/DecisionState.h"
#include "atn/LexerAction.h"
#include "atn/LexerModeAction.h"
#include "atn/LexerPushModeAction.h"
#include "atn/LexerTypeAction.h"
#include "atn/RuleTransition.h"
#include "atn/TokensStartState.h"

namespace {

using namespace antlr4;
using lpc::grammar::LivePatchWords;

constexpr size_t kDeepest = 16; // fragments in fragments
constexpr size_t kLast = 0x10ffff;

[[noreturn]] void refuse(const std::string &what) {
  std::cerr << "LivePatchWords.g4: " << what << '\n';
  std::exit(1);
}

// A place in the network: where, and where the fragments around it go on.
struct Spot {
  size_t state;
  std::vector<size_t> returns;
  std::vector<size_t> actions;
  auto operator<=>(const Spot &) const = default;
};
using Spots = std::set<Spot>;

struct Rule {
  size_t type;
  bool skipped = false;
  std::vector<std::pair<char, size_t>> modes; // 's'et, p'u'sh, p'o'p
};

struct State {
  std::vector<size_t> next; // by class; 0 is the state without a way on
  size_t accepts = 0;       // a rule's index plus 1
  auto operator<=>(const State &) const = default;
};

class Compiler {
public:
  explicit Compiler(const atn::ATN &network) : network_(network) {
    findClasses();
    states_.push_back({std::vector<size_t>(firsts_.size(), 0), 0});
    for (const atn::TokensStartState *mode : network_.modeToStartState)
      starts_.push_back(modeFrom(mode->stateNumber));
    mergeStates();
    mergeClasses();
  }

  void print(std::ostream &out) const {
    out << "// Made of LivePatchWords.g4 by compile_words.cpp.\n#pragma once\n#include <cstdint>\n\n"
           "namespace lpc::grammar::words {\n\n"
           "struct Rule {\n  uint16_t type;\n  bool skipped;\n  uint8_t firstChange, changes;\n};\n"
           "enum class ModeChange : uint8_t { Set, Push, Pop };\n"
           "struct Change {\n  ModeChange what;\n  uint8_t mode;\n};\n\n";
    out << "inline constexpr uint8_t kAsciiClass[128] = {";
    for (size_t c = 0; c < 128; c++)
      out << classOf(c) << ',';
    out << "};\n// From code point `first` on.\nstruct Range {\n  char32_t first;\n  uint8_t kind;\n};\n"
           "inline constexpr Range kWideClass[] = {";
    out << "{128," << classOf(128) << "},";
    for (size_t first : firsts_)
      if (first > 128) out << '{' << first << ',' << classOf(first) << "},";
    out << "};\n// The state behind a character; 0: there is none.\ninline constexpr uint16_t kNext[]["
        << states_[0].next.size() << "] = {\n";
    for (const State &state : states_) {
      out << '{';
      for (size_t next : state.next)
        out << next << ',';
      out << "},\n";
    }
    out << "};\n// The rule whose word ends in a state, plus 1; 0: no word ends there.\ninline constexpr uint8_t "
           "kAccepts[] = {";
    for (const State &state : states_)
      out << state.accepts << ',';
    out << "};\ninline constexpr uint16_t kStart[] = {"; // by mode
    for (size_t start : starts_)
      out << start << ',';
    out << "};\n";
    printRules(out);
    out << "\n} // namespace lpc::grammar::words\n";
  }

private:
  // --- characters: those that no transition tells apart are one class ----------------------------------------------

  void findClasses() {
    std::set<size_t> firsts{0};
    for (const atn::ATNState *state : network_.states)
      for (const atn::Transition *way : state->transitions) {
        misc::IntervalSet label = way->label(); // of `~[…]`: what is not in it
        for (const misc::Interval &interval : label.getIntervals()) {
          if (interval.a >= 0) firsts.insert(static_cast<size_t>(interval.a));
          if (interval.b >= 0) firsts.insert(static_cast<size_t>(interval.b) + 1);
        }
      }
    firsts.erase(firsts.upper_bound(kLast), firsts.end());
    firsts_.assign(firsts.begin(), firsts.end());
    for (size_t i = 0; i < firsts_.size(); i++)
      classes_.push_back(i);
  }

  [[nodiscard]] size_t classOf(size_t point) const {
    auto behind = std::ranges::upper_bound(firsts_, point);
    return classes_[static_cast<size_t>(behind - firsts_.begin()) - 1];
  }

  // --- subset construction ------------------------------------------------------------------------------------------

  [[nodiscard]] bool endsWord(const Spot &spot) const {
    return network_.states[spot.state]->getStateType() == atn::ATNState::RULE_STOP && spot.returns.empty();
  }

  // `spot` and all that is reached without a character.
  void reach(const Spot &spot, Spots &out) const {
    atn::ATNState &state = *network_.states[spot.state];
    if (endsWord(spot)) {
      out.insert(spot);
      return;
    }
    if (state.getStateType() == atn::ATNState::RULE_STOP) {
      Spot back = spot;
      back.state = back.returns.back();
      back.returns.pop_back();
      reach(back, out);
      return;
    }
    if (const auto *decision = dynamic_cast<const atn::DecisionState *>(&state); decision && decision->nonGreedy)
      refuse("a non-greedy loop");
    for (const atn::Transition *way : state.transitions) {
      Spot next{way->target->stateNumber, spot.returns, spot.actions};
      switch (way->getSerializationType()) {
      case atn::Transition::EPSILON: break;
      case atn::Transition::RULE:
        if (next.returns.size() == kDeepest) refuse("fragments too deep, or one that contains itself");
        next.returns.push_back(static_cast<const atn::RuleTransition &>(*way).followState->stateNumber);
        break;
      case atn::Transition::ACTION:
        if (!next.returns.empty()) refuse("an action in a fragment");
        next.actions.push_back(static_cast<const atn::ActionTransition &>(*way).actionIndex);
        break;
      case atn::Transition::PREDICATE:
      case atn::Transition::PRECEDENCE: refuse("a predicate");
      default: out.insert(spot); continue;
      }
      reach(next, out);
    }
  }

  size_t modeFrom(size_t start) {
    Spots first;
    for (const atn::Transition *way : network_.states[start]->transitions) // one a rule
      reach({way->target->stateNumber, {}, {}}, first);
    size_t state = stateOf(first);
    if (states_[state].accepts != 0) refuse("a word without characters");
    for (size_t c = 0; c < firsts_.size(); c++)
      if (size_t next = states_[state].next[c]; next == 0 || states_[next].accepts == 0)
        refuse("a mode in which a character starts no word: U+" + std::to_string(firsts_[c]));
    return state;
  }

  size_t stateOf(const Spots &spots) { // NOLINT(misc-no-recursion)
    auto [known, isNew] = numbers_.try_emplace(spots, states_.size());
    size_t number = known->second;
    if (!isNew) return number;
    states_.push_back({std::vector<size_t>(firsts_.size(), 0), accepted(spots)});
    for (size_t c = 0; c < firsts_.size(); c++) {
      Spots next;
      for (const Spot &spot : spots)
        for (const atn::Transition *way : network_.states[spot.state]->transitions)
          if (!way->isEpsilon() && way->matches(firsts_[c], 0, kLast))
            reach({way->target->stateNumber, spot.returns, spot.actions}, next);
      if (!next.empty()) {
        size_t to = stateOf(next);
        states_[number].next[c] = to;
      }
    }
    return number;
  }

  // The rule that stands first among those whose word ends here, plus 1.
  size_t accepted(const Spots &spots) {
    const Spot *first = nullptr;
    auto rule = [&](const Spot &spot) { return network_.states[spot.state]->ruleIndex; };
    for (const Spot &spot : spots)
      if (endsWord(spot) && (first == nullptr || rule(spot) < rule(*first))) first = &spot;
    return first == nullptr ? 0 : ruleOf(rule(*first), first->actions);
  }

  size_t ruleOf(size_t index, const std::vector<size_t> &actions) {
    Rule out{.type = network_.ruleToTokenType[index]};
    for (size_t action : actions) {
      const atn::LexerAction &what = *network_.lexerActions[action];
      switch (what.getActionType()) {
      case atn::LexerActionType::TYPE:
        out.type = static_cast<size_t>(
            const_cast<atn::LexerTypeAction &>(static_cast<const atn::LexerTypeAction &>(what)).getType());
        break;
      case atn::LexerActionType::SKIP: out.skipped = true; break;
      case atn::LexerActionType::MODE:
        out.modes.emplace_back(
            's', const_cast<atn::LexerModeAction &>(static_cast<const atn::LexerModeAction &>(what)).getMode());
        break;
      case atn::LexerActionType::PUSH_MODE:
        out.modes.emplace_back(
            'u', const_cast<atn::LexerPushModeAction &>(static_cast<const atn::LexerPushModeAction &>(what)).getMode());
        break;
      case atn::LexerActionType::POP_MODE: out.modes.emplace_back('o', 0); break;
      default: refuse("an action that is not type, skip, mode, pushMode or popMode");
      }
    }
    auto [known, isNew] = rules_.try_emplace(index, out);
    if (!isNew && (known->second.modes != out.modes || known->second.type != out.type))
      refuse("alternatives with different actions");
    return index + 1;
  }

  // --- smaller ------------------------------------------------------------------------------------------------------

  // States are the same if they accept the same and lead to the same ones; the one without a way on stays 0.
  void mergeStates() {
    std::vector<size_t> group(states_.size());
    for (size_t count = 0;;) {
      std::map<State, size_t> groups;
      std::vector<size_t> refined(states_.size());
      for (size_t i = 0; i < states_.size(); i++) {
        State signature{{group[i]}, states_[i].accepts};
        for (size_t next : states_[i].next)
          signature.next.push_back(group[next]);
        refined[i] = groups.try_emplace(signature, groups.size()).first->second;
      }
      group = std::move(refined);
      if (groups.size() == count) break;
      count = groups.size();
    }
    std::vector<State> merged;
    for (size_t i = 0; i < states_.size(); i++) {
      if (group[i] != merged.size()) continue;
      State state = states_[i];
      for (size_t &next : state.next)
        next = group[next];
      merged.push_back(std::move(state));
    }
    states_ = std::move(merged);
    for (size_t &start : starts_)
      start = group[start];
  }

  void mergeClasses() {
    std::map<std::vector<size_t>, size_t> columns;
    std::vector<size_t> kept;
    for (size_t c = 0; c < firsts_.size(); c++) {
      std::vector<size_t> column;
      column.reserve(states_.size());
      for (const State &state : states_)
        column.push_back(state.next[c]);
      auto [known, isNew] = columns.try_emplace(column, kept.size());
      if (isNew) kept.push_back(c);
      classes_[c] = known->second;
    }
    for (State &state : states_) {
      std::vector<size_t> next;
      next.reserve(kept.size());
      for (size_t c : kept)
        next.push_back(state.next[c]);
      state.next = std::move(next);
    }
    if (kept.size() > 255 || states_.size() > 65535 || network_.ruleToTokenType.size() > 254)
      refuse("too large for its tables");
  }

  void printRules(std::ostream &out) const {
    std::vector<std::pair<char, size_t>> changes;
    out << "inline constexpr Rule kRules[] = {\n";
    for (size_t i = 0; i < network_.ruleToTokenType.size(); i++) {
      auto rule = rules_.find(i);
      Rule none{.type = 0}, known = rule == rules_.end() ? none : rule->second;
      out << '{' << known.type << ',' << (known.skipped ? "true" : "false") << ',' << changes.size() << ','
          << known.modes.size() << "},\n";
      changes.insert(changes.end(), known.modes.begin(), known.modes.end());
    }
    out << "};\ninline constexpr Change kChanges[] = {";
    for (auto [what, mode] : changes)
      out << "{ModeChange::" << (what == 's' ? "Set" : what == 'u' ? "Push" : "Pop") << ',' << mode << "},";
    out << "};\n";
    if (changes.size() > 255) refuse("too many changes of mode for its tables");
  }

  const atn::ATN &network_;
  std::vector<size_t> firsts_;  // the first character of each interval
  std::vector<size_t> classes_; // and the interval's class
  std::map<Spots, size_t> numbers_;
  std::vector<State> states_;
  std::vector<size_t> starts_; // by mode
  std::map<size_t, Rule> rules_;
};

} // namespace

int main() {
  LivePatchWords::unpackTables();
  ANTLRInputStream none("");
  LivePatchWords lexer(&none);
  Compiler(lexer.getATN()).print(std::cout);
  return std::cout.flush() ? 0 : 1;
}
