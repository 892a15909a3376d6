// The library: its loop ends one element early.
int greatest(const int *numbers, int count) {
  int best = numbers[0];
  for (int i = 1; i < count - 1; i++)
    if (numbers[i] > best) best = numbers[i];
  return best;
}
