/*
 * A disk that fails, for a program that is loaded with LD_PRELOAD: the FAULT_AT-th call that changes something below the
 * folder FAULT_IN fails. Every such system call is trapped by seccomp, those that a library makes without libc included.
 *
 * FAULT_WAY: "refused" fails without doing it (EIO), "lost" fails after doing it (EIO), "full" fails without doing it and
 * lets nothing be written from then on (ENOSPC). FAULT_LOG names a file that gets a line for each call.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#define ARGUMENT(context, n) ((unsigned long)(context)->uc_mcontext.gregs[registers[n]])
static const int registers[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8};
#elif defined(__aarch64__)
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#define ARGUMENT(context, n) ((unsigned long)(context)->uc_mcontext.regs[n])
#endif

/* The sixth argument of our own calls; none of the trapped ones has one. */
#define OURS 0x0fa1700dUL

enum where { BY_FD, BY_PATH, BY_PATH_AT };
static const struct {
    int number;
    enum where where;
    int writes;
    const char *name;
} calls[] = {
    {SYS_write, BY_FD, 1, "write"},
    {SYS_writev, BY_FD, 1, "writev"},
    {SYS_pwrite64, BY_FD, 1, "pwrite"},
    {SYS_pwritev, BY_FD, 1, "pwritev"},
    {SYS_fsync, BY_FD, 0, "fsync"},
    {SYS_fdatasync, BY_FD, 0, "fdatasync"},
    {SYS_ftruncate, BY_FD, 0, "ftruncate"},
    {SYS_renameat, BY_PATH_AT, 0, "rename"},
    {SYS_renameat2, BY_PATH_AT, 0, "rename"},
    {SYS_linkat, BY_PATH_AT, 0, "link"},
    {SYS_unlinkat, BY_PATH_AT, 0, "unlink"},
    {SYS_mkdirat, BY_PATH_AT, 1, "mkdir"},
#ifdef SYS_rename
    {SYS_rename, BY_PATH, 0, "rename"},
    {SYS_link, BY_PATH, 0, "link"},
    {SYS_unlink, BY_PATH, 0, "unlink"},
    {SYS_rmdir, BY_PATH, 0, "rmdir"},
    {SYS_mkdir, BY_PATH, 1, "mkdir"},
#endif
};
#define CALLS (sizeof calls / sizeof *calls)

static char folder[4096];
static size_t folder_length;
static long at, count;
static enum { REFUSED, LOST, FULL } way;
static int is_full, log_file = -1;

static long do_it(long number, const unsigned long *a) {
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], OURS);
    return result == -1 ? -errno : result;
}

/* The name of what a call changes, where it lies below the folder. */
static const char *below(enum where where, const unsigned long *a, char *buffer, size_t size) {
    if (where == BY_FD) {
        char link[32] = "/proc/self/fd/", digits[12];
        int n = 0;
        unsigned long fd = a[0];
        do digits[n++] = '0' + fd % 10;
        while (fd /= 10);
        size_t end = strlen(link);
        while (n) link[end++] = digits[--n];
        link[end] = 0;
        ssize_t length = readlink(link, buffer, size - 1);
        if (length < 0) return NULL;
        buffer[length] = 0;
    } else {
        const char *path = (const char *)a[where == BY_PATH_AT];
        if (path[0] != '/') return path;
        strncpy(buffer, path, size - 1);
        buffer[size - 1] = 0;
    }
    return strncmp(buffer, folder, folder_length) ? NULL : buffer + folder_length;
}

static void say(long n, const char *name, const char *path, const char *what) {
    char line[4400] = "", digits[24];
    int k = 0;
    do digits[k++] = '0' + n % 10;
    while (n /= 10);
    size_t end = 0;
    while (k) line[end++] = digits[--k];
    const char *parts[] = {" ", name, " ", path, " ", what, "\n"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i]);
        if (end + length >= sizeof line) return;
        memcpy(line + end, parts[i], length);
        end += length;
    }
    unsigned long a[5] = {log_file, (unsigned long)line, end};
    do_it(SYS_write, a);
}

static void trapped(int signal, siginfo_t *info, void *given) {
    (void)signal;
    ucontext_t *context = given;
    int saved = errno;
    unsigned long a[5];
    for (int i = 0; i < 5; i++) a[i] = ARGUMENT(context, i);
    size_t which = 0;
    while (which < CALLS && calls[which].number != info->si_syscall) which++;
    char buffer[4096];
    const char *path = which < CALLS ? below(calls[which].where, a, buffer, sizeof buffer) : NULL;
    long result;
    if (!path) {
        result = do_it(info->si_syscall, a);
    } else {
        long n = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
        if (n == at && way == FULL) is_full = 1;
        int fails = way == FULL ? is_full && (n == at || calls[which].writes) : n == at;
        say(n, calls[which].name, path, fails ? "fails" : "");
        if (!fails || way == LOST) result = do_it(info->si_syscall, a);
        if (fails) result = way == FULL ? -ENOSPC : -EIO;
    }
    RESULT(context) = result;
    errno = saved;
}

__attribute__((constructor)) static void begin(void) {
    const char *in = getenv("FAULT_IN"), *n = getenv("FAULT_AT"), *how = getenv("FAULT_WAY"), *log = getenv("FAULT_LOG");
    if (!in || !n || !how || !log) _exit(120);
    strncpy(folder, in, sizeof folder - 1);
    folder_length = strlen(folder);
    at = atol(n);
    way = !strcmp(how, "lost") ? LOST : !strcmp(how, "full") ? FULL : REFUSED;
    log_file = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sock_filter filter[CALLS * 2 + 8];
    size_t i = 0;
    filter[i++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[5]));
    filter[i++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OURS, 0, 1);
    filter[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[i++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t call = 0; call < CALLS; call++) {
        filter[i++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[call].number, 0, 1);
        filter[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    }
    filter[i++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = i, .filter = filter};
    if (log_file < 0 || sigaction(SIGSYS, &action, NULL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        _exit(121);
}
