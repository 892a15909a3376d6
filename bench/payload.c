// The benchmark's payload: one function for each that the target has (the same result plus a million, so that target.cpp counts it as
// "new"), a string, and SIZE bytes of initialised data.
#define F(J) int new_##J(int x) { return x + J + 1000000; }
#define TEN(D) F(D##0) F(D##1) F(D##2) F(D##3) F(D##4) F(D##5) F(D##6) F(D##7) F(D##8) F(D##9)
F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9)
TEN(1) TEN(2) TEN(3) TEN(4) TEN(5) F(60) F(61) F(62) F(63)

char message[] = "str_0 replaced";
char ballast[SIZE] = {1};
