// floor.cpp - the least that a ptrace based patcher must do to a running process:
// stop all its threads, write n bytes to an address, let them go; prints the time of each phase.
//
//   floor [-o plain|staged|running] [-f PRIO] [-p] [-n] PID ADDRESS [HEXBYTES]
//     ADDRESS   0x... or a symbol of the main executable, optionally +offset
//     HEXBYTES  what to write; without it the 8 bytes found there are written back
//     -o plain    interrupt every thread in the order of /proc/PID/task        (default)
//        staged   blocked threads are stopped and read first, running ones last; these are
//                 also released first, so their pause does not grow with the number of threads
//        running  blocked threads are left alone: only safe for a single store that is valid
//                 for a thread anywhere in the code (shown for comparison)
//     -f PRIO   SCHED_FIFO priority for the time of the window (0: leave the policy alone)
//     -p        touch the page beforehand, so that its private copy is not made in the window
//     -n        write nothing (cost of stopping alone)
// One line of JSON on stdout; times in microseconds. "window_us" is from the first interrupt to
// the last release, "running_us" from the first interrupt of a running thread to its release.
//
// Rules kept here (figures in docs/performance.md):
//  - threads are seized first and interrupted later: seizing disturbs nobody;
//  - one waitid per thread id: waiting for "any" costs O(threads) each time;
//  - WNOWAIT: if we are killed, a signal in delivery is not lost;
//  - a stop in front of a signal is a stop too, the signal is handed over on release;
//  - a call that failed with EINTR because of us is turned into a restart;
//  - threads born meanwhile are found by the link count of /proc/PID/task (one fstat, not a listing);
//  - an alarm ends us, and thereby frees the target, when a thread cannot stop (vfork parent, dead NFS).
#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <unordered_set>
#include <vector>

struct Thread {
  pid_t tid;
  bool running = false, interrupted = false, stopped = false, gone = false;
  int signal = 0; // to deliver on release
};

static double now_us() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

[[noreturn]] static void fail(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1); // all tracees are let go by the kernel
}

static std::string proc(pid_t pid, const char *file) { return "/proc/" + std::to_string(pid) + "/" + file; }

static std::vector<pid_t> list_threads(pid_t pid) {
  std::vector<pid_t> tids;
  DIR *dir = opendir(proc(pid, "task").c_str());
  if (!dir) fail("task directory");
  while (dirent *entry = readdir(dir))
    if (entry->d_name[0] != '.') tids.push_back(atoi(entry->d_name));
  closedir(dir);
  return tids;
}

// State letter of a thread: R running, S sleeping, ...
static char thread_state(pid_t pid, pid_t tid) {
  char text[512];
  int fd = open(proc(pid, ("task/" + std::to_string(tid) + "/stat").c_str()).c_str(), O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  text[std::max<ssize_t>(n, 0)] = 0;
  const char *end = strrchr(text, ')');
  return end && end[1] ? end[2] : 'X';
}

// Address of a symbol of the main executable in the running process; 0 when there is none.
static uint64_t find_symbol(pid_t pid, const std::string &name) {
  int fd = open(proc(pid, "exe").c_str(), O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st)) fail("exe");
  auto *image = static_cast<const char *>(mmap(nullptr, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0));
  close(fd);
  if (image == MAP_FAILED) fail("map exe");
  auto *header = reinterpret_cast<const Elf64_Ehdr *>(image);
  auto *sections = reinterpret_cast<const Elf64_Shdr *>(image + header->e_shoff);
  uint64_t value = 0, bias = 0;
  for (int i = 0; i < header->e_shnum && !value; i++) {
    const Elf64_Shdr &section = sections[i];
    if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) continue;
    auto *symbols = reinterpret_cast<const Elf64_Sym *>(image + section.sh_offset);
    const char *strings = image + sections[section.sh_link].sh_offset;
    for (size_t k = 0; k < section.sh_size / sizeof *symbols && !value; k++)
      if (symbols[k].st_shndx && name == strings + symbols[k].st_name) value = symbols[k].st_value;
  }
  if (header->e_type == ET_DYN) { // the first mapping of the executable is its load address
    char path[4096] = "", line[8192];
    if (readlink(proc(pid, "exe").c_str(), path, sizeof path - 1) < 0) fail("exe link");
    FILE *maps = fopen(proc(pid, "maps").c_str(), "r");
    while (maps && !bias && fgets(line, sizeof line, maps))
      if (strstr(line, path)) bias = strtoull(line, nullptr, 16);
    if (maps) fclose(maps);
  }
  munmap(const_cast<char *>(image), st.st_size);
  return value ? value + bias : 0;
}

// Waits until the thread has stopped or is gone.
static void await(Thread &t) {
  siginfo_t info;
  while (waitid(P_PID, t.tid, &info, WSTOPPED | WEXITED | WNOWAIT | __WALL))
    if (errno != EINTR) {
      t.gone = true;
      return;
    }
  if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) {
    waitid(P_PID, t.tid, &info, WEXITED | WNOHANG | __WALL); // reap
    t.gone = true;
    return;
  }
  // si_status is signal | event << 8; without an event the thread stands before a signal
  t.signal = info.si_status >> 8 ? 0 : info.si_status;
  t.stopped = true;
}

// Reads the registers, as any real patcher must, and repairs what the interruption did.
static uint64_t inspect(const Thread &t) {
  user_regs_struct regs;
  if (t.gone || ptrace(PTRACE_GETREGS, t.tid, nullptr, &regs)) return 0;
  if (static_cast<int64_t>(regs.orig_rax) >= 0 && static_cast<int64_t>(regs.rax) == -EINTR) {
    regs.rax = static_cast<uint64_t>(-514); // ERESTARTNOHAND: restarted, unless a handler runs
    ptrace(PTRACE_SETREGS, t.tid, nullptr, &regs);
  }
  return regs.rip;
}

struct Stopper {
  pid_t pid;
  int task_fd; // of /proc/PID/task
  std::vector<Thread> threads{};
  std::unordered_set<pid_t> known{};

  // Seizes every thread not yet ours; returns how many were new.
  int seize() {
    int fresh = 0;
    for (pid_t tid : list_threads(pid)) {
      if (!known.insert(tid).second) continue;
      if (ptrace(PTRACE_SEIZE, tid, nullptr, nullptr)) {
        if (errno == EPERM && thread_state(pid, tid) != 'Z' && thread_state(pid, tid) != 'X')
          fail("seize (already traced?)");
        continue; // has ended
      }
      threads.push_back({tid});
      fresh++;
    }
    return fresh;
  }
  // Is there a thread that we do not know? The directory has one link per thread and two of its own.
  bool births() const {
    struct stat st;
    if (fstat(task_fd, &st)) fail("target has ended");
    auto ours = std::count_if(threads.begin(), threads.end(), [](auto &t) { return !t.gone; });
    return static_cast<long>(st.st_nlink) - 2 > ours;
  }
  template <class Which> void interrupt(Which which) {
    for (auto &t : threads)
      if (which(t) && !t.interrupted) t.interrupted = true, ptrace(PTRACE_INTERRUPT, t.tid, nullptr, nullptr);
  }
  template <class Which> void wait(Which which) {
    for (auto &t : threads)
      if (which(t) && t.interrupted && !t.stopped && !t.gone) await(t);
  }
  template <class Which> void read(Which which) {
    for (auto &t : threads)
      if (which(t)) inspect(t);
  }
  template <class Which> void release(Which which) {
    for (auto t = threads.rbegin(); t != threads.rend(); ++t)
      if (which(*t) && t->stopped) ptrace(PTRACE_DETACH, t->tid, nullptr, t->signal);
  }
};

static void set_priority(int priority) {
  sched_param param{};
  param.sched_priority = priority;
  if (sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param)) perror("floor: priority");
}

int main(int argc, char **argv) {
  std::string order = "plain";
  int priority = 0;
  bool touch = false, write_nothing = false;
  for (int o; (o = getopt(argc, argv, "o:f:pn")) != -1;) {
    if (o == 'o')
      order = optarg;
    else if (o == 'f')
      priority = atoi(optarg);
    else if (o == 'p')
      touch = true;
    else if (o == 'n')
      write_nothing = true;
    else
      return 2;
  }
  if (argc - optind < 2 || (order != "plain" && order != "staged" && order != "running"))
    return fprintf(stderr, "usage: floor [-o plain|staged|running] [-f PRIO] [-p] [-n] PID ADDRESS [HEXBYTES]\n"), 2;
  pid_t pid = atoi(argv[optind]);
  std::string where = argv[optind + 1];
  size_t plus = where.find('+');
  uint64_t address =
      where.compare(0, 2, "0x") ? find_symbol(pid, where.substr(0, plus)) : strtoull(where.c_str(), nullptr, 16);
  if (!address) return fprintf(stderr, "floor: no such symbol: %s\n", where.c_str()), 1;
  if (plus != std::string::npos) address += strtoull(where.c_str() + plus + 1, nullptr, 0);
  int mem = open(proc(pid, "mem").c_str(), O_RDWR | O_CLOEXEC);
  if (mem < 0) fail("mem");
  std::vector<unsigned char> bytes(8);
  if (argc - optind > 2) {
    std::string hex = argv[optind + 2];
    bytes.resize(hex.size() / 2);
    for (size_t i = 0; i < bytes.size(); i++)
      bytes[i] = static_cast<unsigned char>(strtoul(hex.substr(2 * i, 2).c_str(), nullptr, 16));
  } else if (pread(mem, bytes.data(), bytes.size(), address) != static_cast<ssize_t>(bytes.size()))
    fail("read");
  if (touch) { // writing back one byte makes the page private now
    unsigned char byte;
    if (pread(mem, &byte, 1, address) != 1 || pwrite(mem, &byte, 1, address) != 1) fail("touch");
  }

  auto all = [](const Thread &) { return true; };
  auto running = [](const Thread &t) { return t.running; };
  auto blocked = [](const Thread &t) { return !t.running; };
  Stopper target{pid, open(proc(pid, "task").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (target.task_fd < 0) fail("task");
  alarm(10);
  double t0 = now_us();
  while (target.seize()) {
  } // nothing is disturbed yet
  double t1 = now_us();
  if (order != "plain")
    for (auto &t : target.threads)
      t.running = thread_state(pid, t.tid) == 'R';
  else
    for (auto &t : target.threads)
      t.running = true;
  if (priority) set_priority(priority);

  double w0 = now_us();
  if (order == "staged") target.interrupt(blocked), target.wait(blocked), target.read(blocked);
  double w1 = now_us();
  target.interrupt(running);
  double w2 = now_us();
  target.wait(running);
  if (order != "running") // also those born since the first look
    while (target.births() && target.seize())
      target.interrupt(all), target.wait(all);
  double w3 = now_us();
  target.read(running);
  double w4 = now_us();
  if (!write_nothing && pwrite(mem, bytes.data(), bytes.size(), address) != static_cast<ssize_t>(bytes.size()))
    fail("write");
  double w5 = now_us();
  target.release(running);
  double w6 = now_us();
  target.release(blocked);
  double w7 = now_us();
  if (priority) set_priority(0);
  long signals = std::count_if(target.threads.begin(), target.threads.end(), [](auto &t) { return t.signal != 0; });
  printf("{\"order\":\"%s\",\"threads\":%zu,\"running\":%ld,\"signals\":%ld,\"seize_us\":%.1f,\"classify_us\":%.1f,"
         "\"stop_blocked_us\":%.1f,\"interrupt_us\":%.1f,\"wait_us\":%.1f,\"regs_us\":%.1f,\"write_us\":%.1f,"
         "\"release_running_us\":%.1f,\"release_blocked_us\":%.1f,\"running_us\":%.1f,\"window_us\":%.1f}\n",
         order.c_str(), target.threads.size(),
         static_cast<long>(std::count_if(target.threads.begin(), target.threads.end(), running)), signals, t1 - t0,
         w0 - t1, w1 - w0, w2 - w1, w3 - w2, w4 - w3, w5 - w4, w6 - w5, w7 - w6, w6 - w1, w7 - w0);
  return 0; // in order "running" the blocked threads are let go by our exit
}
