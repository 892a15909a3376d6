void inner(void); /* of the target */

int outer_calling(int x) {
  volatile int result = x;
  inner();
  return result + 2000;
}
