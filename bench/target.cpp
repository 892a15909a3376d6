// target.cpp - reference target for live-patching benchmarks (C++17).
//
//   target [-t T] [-s S] [-c C] [-b MS] [-g US]
//     T   total number of threads, the main thread included     (default 8)
//     S   of these, threads that spin on clock_gettime          (default 1)
//     C   spinners call func_0..func_{C-1} in turn              (default 0)
//     MS  blocked threads wake every MS ms (0: never) and beat  (default 0)
//     US  a gap longer than this counts in sum/count            (default 10)
//
// Symbols to patch: int func_J(int x), J = 0..63, returns x + J; with J / 10 even the first
//                   instruction has 8 bytes, with J / 10 odd it is a push of one byte;
//                   char str_P[64],    P = 0..15, holds "str_P original".
// Every second one line "max_gap_us ..." goes to stderr; SIGUSR1 writes one
// line of JSON to stdout with everything seen since the last one, and resets.
// "old"/"new"/"wrong": results of func_J equal to x+J / x+J+1000000 / else.
// "eintr": blocking calls that failed with EINTR, "early": sleeps that ended
// before their time; "alive": blocked threads that beat (needs -b).
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE extern "C" __attribute__((noinline, aligned(16)))
#define F1(J)                                                                                                          \
  NOINLINE int func_##J(int x) {                                                                                       \
    for (volatile int i = 0; i < 1;) {                                                                                 \
      x += J;                                                                                                          \
      i = i + 1;                                                                                                       \
    }                                                                                                                  \
    return x;                                                                                                          \
  }
#define S1(P)                                                                                                          \
  extern "C" {                                                                                                         \
  __attribute__((aligned(64))) char str_##P[64] = "str_" #P " original";                                               \
  }
#define TEN(M, D) M(D##0) M(D##1) M(D##2) M(D##3) M(D##4) M(D##5) M(D##6) M(D##7) M(D##8) M(D##9)
static int identity(int x) { return x; }
static int (*volatile same)(int) = identity; // a call that cannot be seen through
#define F2(J)                                                                                                          \
  NOINLINE int func_##J(int x) {                                                                                       \
    int y = same(x);                                                                                                   \
    return same(J) + y;                                                                                                \
  }
TEN(F1, )
TEN(F2, 1) TEN(F1, 2) TEN(F2, 3) TEN(F1, 4) TEN(F2, 5) F1(60) F1(61) F1(62) F1(63) TEN(S1, ) S1(10) S1(11) S1(12) S1(13)
    S1(14) S1(15)

#define P1(J) func_##J,
        static int (*const volatile functions[64])(int) = {TEN(P1, ) TEN(P1, 1) TEN(P1, 2) TEN(P1, 3) TEN(P1, 4)
                                                               TEN(P1, 5) P1(60) P1(61) P1(62) P1(63)};
#define Q1(P) str_##P,
static char *const strings[16] = {TEN(Q1, ) Q1(10) Q1(11) Q1(12) Q1(13) Q1(14) Q1(15)};

struct Spinner { // written by its thread only; the reader asks for a reset
  alignas(64) std::atomic<uint64_t> max_ns{0}, sum_ns{0}, gaps{0}, loops{0}, results[3]{};
  std::atomic<uint64_t> second_ns{0}; // longest gap of this second
  std::atomic<bool> reset{false};
};
struct Blocker {
  alignas(64) std::atomic<uint64_t> beats{0}, eintr{0}, early{0};
  uint64_t beats_seen = 0;
};

static int T = 8, S = 1, C = 0, tick_ms = 0, threshold_ns = 10000;
static std::unique_ptr<Spinner[]> spinners;
static std::unique_ptr<Blocker[]> blockers;

static uint64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void bump(std::atomic<uint64_t> &a, uint64_t by = 1) {
  a.store(a.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

static void *spin(void *arg) {
  Spinner &me = *static_cast<Spinner *>(arg);
  uint64_t last = now_ns();
  for (unsigned k = 0;; k++) {
    if (C) {
      int j = k % C, r = functions[j](static_cast<int>(k & 0xffff)) - static_cast<int>(k & 0xffff) - j;
      bump(me.results[r == 0 ? 0 : r == 1000000 ? 1 : 2]);
    }
    uint64_t now = now_ns(), gap = now - last;
    last = now;
    bump(me.loops);
    if (me.reset.load(std::memory_order_relaxed)) {
      for (auto *a : {&me.max_ns, &me.sum_ns, &me.gaps, &me.loops, &me.results[0], &me.results[1], &me.results[2]})
        *a = 0;
      me.reset.store(false, std::memory_order_relaxed);
      continue;
    }
    if (gap > me.max_ns.load(std::memory_order_relaxed)) me.max_ns.store(gap, std::memory_order_relaxed);
    if (gap > me.second_ns.load(std::memory_order_relaxed)) me.second_ns.store(gap, std::memory_order_relaxed);
    if (gap > static_cast<uint64_t>(threshold_ns)) bump(me.sum_ns, gap), bump(me.gaps);
  }
}

// Six ways of being blocked, chosen by the thread's number.
static void *block(void *arg) {
  Blocker &me = *static_cast<Blocker *>(arg);
  int kind = static_cast<int>((&me - blockers.get()) % 6);
  int wait_ms = tick_ms ? tick_ms : -1, pair[2] = {-1, -1}, ep = -1;
  timespec rest = {tick_ms ? tick_ms / 1000 : 1000000, tick_ms % 1000 * 1000000L};
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
  if (kind >= 4 && (tick_ms || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))) kind -= 4; // also when out of descriptors
  if (kind == 3 && (ep = epoll_create1(0)) < 0) kind = 1;
  for (;; bump(me.beats)) {
    uint64_t begin = now_ns();
    char byte;
    int r = errno = 0;
    if (kind == 0) {
      timespec until;
      clock_gettime(CLOCK_REALTIME, &until);
      until.tv_nsec += tick_ms * 1000000L;
      until.tv_sec += until.tv_nsec / 1000000000 + (tick_ms ? 0 : 1000000);
      until.tv_nsec %= 1000000000;
      pthread_mutex_lock(&mutex);
      r = pthread_cond_timedwait(&cond, &mutex, &until); // may wake spuriously: never an error
      pthread_mutex_unlock(&mutex);
      continue;
    }
    if (kind == 1) r = nanosleep(&rest, nullptr);
    if (kind == 2) r = poll(nullptr, 0, wait_ms);
    epoll_event event;
    if (kind == 3) r = epoll_wait(ep, &event, 1, wait_ms);
    if (kind == 4) r = static_cast<int>(recv(pair[0], &byte, 1, 0));
    if (kind == 5) r = static_cast<int>(read(pair[0], &byte, 1));
    if (r < 0 && errno == EINTR)
      bump(me.eintr);
    else if (!tick_ms || now_ns() - begin < tick_ms * 1000000ull - 100000)
      bump(me.early);
  }
}

static void report_json(double seconds) {
  uint64_t max = 0, sum = 0, gaps = 0, loops = 0, results[3] = {}, eintr = 0, early = 0, alive = 0;
  for (int i = 0; i < S; i++) {
    Spinner &s = spinners[i];
    max = std::max<uint64_t>(max, s.max_ns), sum += s.sum_ns, gaps += s.gaps, loops += s.loops;
    for (int r = 0; r < 3; r++)
      results[r] += s.results[r];
    s.reset = true;
  }
  for (int i = 0; i < T - 1 - S; i++) {
    Blocker &b = blockers[i];
    eintr += b.eintr.exchange(0), early += b.early.exchange(0);
    alive += b.beats != b.beats_seen, b.beats_seen = b.beats;
  }
  for (int i = 0; i < S; i++) // wait until every spinner has started afresh: no later gap is lost
    while (spinners[i].reset)
      usleep(100);
  int changed = 0;
  for (int p = 0; p < 16; p++) {
    char original[64];
    snprintf(original, sizeof original, "str_%d original", p);
    changed += strcmp(strings[p], original) != 0;
  }
  printf("{\"pid\":%d,\"threads\":%d,\"spinners\":%d,\"seconds\":%.3f,\"max_us\":%.1f,\"sum_us\":%.1f,\"gaps\":%" PRIu64
         ",\"loops\":%" PRIu64 ",\"old\":%" PRIu64 ",\"new\":%" PRIu64 ",\"wrong\":%" PRIu64
         ",\"blocked\":%d,\"alive\":%" PRIu64 ",\"eintr\":%" PRIu64 ",\"early\":%" PRIu64 ",\"strings_changed\":%d}\n",
         getpid(), T, S, seconds, max / 1e3, sum / 1e3, gaps, loops, results[0], results[1], results[2], T - 1 - S,
         alive, eintr, early, changed),
      fflush(stdout);
}

int main(int argc, char **argv) {
  for (int o; (o = getopt(argc, argv, "t:s:c:b:g:")) != -1;) {
    if (o == 't')
      T = atoi(optarg);
    else if (o == 's')
      S = atoi(optarg);
    else if (o == 'c')
      C = atoi(optarg);
    else if (o == 'b')
      tick_ms = atoi(optarg);
    else if (o == 'g')
      threshold_ns = static_cast<int>(atof(optarg) * 1000);
    else
      return 2;
  }
  if (S < 0 || T <= S || C < 0 || C > 64) return fprintf(stderr, "target: need T > S >= 0, C <= 64\n"), 2;
  spinners = std::make_unique<Spinner[]>(S);
  blockers = std::make_unique<Blocker[]>(T - 1 - S);
  sigset_t usr1;
  sigemptyset(&usr1), sigaddset(&usr1, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &usr1, nullptr); // inherited by all threads; main waits for it
  pthread_attr_t attr;
  pthread_attr_init(&attr), pthread_attr_setstacksize(&attr, 64 << 10);
  for (int i = 0; i < T - 1; i++) {
    pthread_t thread;
    void *arg = i < S ? static_cast<void *>(&spinners[i]) : &blockers[i - S];
    if (int e = pthread_create(&thread, &attr, i < S ? spin : block, arg))
      return fprintf(stderr, "target: thread %d: %s\n", i, strerror(e)), 1;
  }
  printf("{\"pid\":%d,\"ready\":true}\n", getpid()), fflush(stdout);
  uint64_t since = now_ns(), next = since + 1000000000;
  for (;;) {
    uint64_t now = now_ns(), left = now < next ? next - now : 0;
    timespec wait = {static_cast<time_t>(left / 1000000000), static_cast<long>(left % 1000000000)};
    if (sigtimedwait(&usr1, nullptr, &wait) == SIGUSR1) {
      report_json((now_ns() - since) / 1e9);
      since = now_ns();
    } else if (now_ns() >= next) {
      uint64_t max = 0;
      for (int i = 0; i < S; i++)
        max = std::max(max, spinners[i].second_ns.exchange(0));
      fprintf(stderr, "max_gap_us %.1f\n", max / 1e3);
      next += 1000000000;
    }
  }
}
