// The corrected function.
int greatest_fixed(const int *numbers, int count) {
  int best = numbers[0];
  for (int i = 1; i < count; i++)
    if (numbers[i] > best) best = numbers[i];
  return best;
}
