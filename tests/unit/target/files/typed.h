// Shared by typed_one.cpp and typed_two.cpp.
#pragma once
struct Point {
  short x, y;
};
struct Request {
  int id;
  Point at[3];
  Request *next;
  union {
    double weight;
    const char *text;
  };
  unsigned flag : 3;
};
// In two units, with code of its own in one of them.
inline __attribute__((always_inline)) int scaled(int n) { return n * 3 + 1; }
