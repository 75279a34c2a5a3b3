// SPDX-License-Identifier: GPL-2.0
/*
 * What Documentation/security.rst promises about files, processes and users: fork,
 * exec, exit and close at any time, files on their way over a socket, unloading,
 * limits for each user and each memory cgroup, and nothing of the kernel's in what
 * an owner can read.
 */

#include "common.h"

#include <dirent.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/userfaultfd.h>

#define PAGE		4096UL
#define NOBODY		65534
#define INPUT_PORT	0x60
#define PARAMETER	"/sys/module/piotrap/parameters/max_user_sandboxes"
#define GROUP		"/sys/fs/cgroup/piotrap-test"

/* mov al, [5] */
static const uint8_t load_5[] = { 0xa0, 0x05, 0x00 };
static const uint8_t jmp_self[] = { 0xeb, 0xfe };

static int put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int get_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	buf[n] = 0;
	return 0;
}

/* Sandboxes that are open: each holds the module. */
static long sandboxes(void)
{
	char buf[32];

	if (get_text("/sys/module/piotrap/refcnt", buf, sizeof(buf)))
		return -1;
	return atol(buf);
}

/* A file that is let go by its last user may take a moment to go. */
static long sandboxes_settle(long want)
{
	int tries = 500;
	long n;

	while ((n = sandboxes()) != want && tries--)
		usleep(10000);
	return n;
}

/* Wait for a child: its exit status, or minus the signal that killed it. */
static int outcome(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Become nobody, a member of @gid alone, with a limit. */
static int become_nobody(gid_t gid, size_t memlock)
{
	struct rlimit l = { memlock, memlock };

	if (setrlimit(RLIMIT_MEMLOCK, &l) || setgroups(1, &gid) ||
	    setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	return 0;
}

static gid_t device_group(void)
{
	struct stat st;

	return stat(DEVICE, &st) ? 0 : st.st_gid;
}

/* A pipe by which a child is told to go on, or tells. */
static void tell(const int fd[2])
{
	if (write(fd[1], "x", 1) != 1)
		abort();
}

static void await(const int fd[2])
{
	char c;

	if (read(fd[0], &c, 1) != 1)
		abort();
}

/* The value of [5] as the sandbox sees it, or a negative errno. */
static int value_of_5(const struct box *b)
{
	int err;

	b->run->regs.rip = CODE;
	touch(b, PIOTRAP_GROUP_REGS);
	err = run_stream(b, load_5, sizeof(load_5));
	if (err)
		return err;
	if (b->run->exit_reason != PIOTRAP_EXIT_DONE)
		return -EPROTO;
	return b->run->regs.rax & 0xff;
}

/* -- Who may open it -- */

TEST(node)
{
	struct stat st;
	pid_t pid;

	ASSERT_EQ(0, stat(DEVICE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0660, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
	if (getuid())
		SKIP(return, "needs root to become someone else");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (become_nobody(NOBODY, 0))
			_exit(1);
		_exit(open(DEVICE, O_RDWR) < 0 && errno == EACCES ? 0 : 2);
	}
	EXPECT_EQ(0, outcome(pid));
	if (!st.st_gid)
		SKIP(return, "the device has no group but root's");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (become_nobody(st.st_gid, 0))
			_exit(1);
		_exit(open(DEVICE, O_RDWR) < 0 ? 2 : 0);
	}
	EXPECT_EQ(0, outcome(pid));
}

/* -- Processes -- */

/* Both have the sandbox; its memory is the one's who gave it. */
TEST(fork_shares)
{
	long before = sandboxes();
	struct box b;
	pid_t pid;

	ASSERT_EQ(0, box_open(&b));
	b.mem[5] = 0x11;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		b.mem[5] = 0x22;
		if (value_of_5(&b) != 0x11)
			_exit(1);
		box_close(&b);
		_exit(0);
	}
	ASSERT_EQ(0, outcome(pid));
	EXPECT_EQ(before + 1, sandboxes());
	/* What the child's run has left is in the page. */
	EXPECT_EQ(0x11, b.run->regs.rax & 0xff);
	b.mem[5] = 0x33;
	EXPECT_EQ(0x33, value_of_5(&b));
	box_close(&b);
	EXPECT_EQ(before, sandboxes_settle(before));
}

/* What exec_closes runs: of two sandboxes the one that was to stay has stayed. */
static int after_exec(int gone, int kept)
{
	struct box b = { .fd = kept };

	if (fcntl(gone, F_GETFD) >= 0 || errno != EBADF)
		return 20;
	b.run = mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED, kept, 0);
	if (b.run == MAP_FAILED)
		return 21;
	/* The memory of a program that is no more. */
	return value_of_5(&b) == 0x44 ? 0 : 22;
}

TEST(exec_closes)
{
	long before = sandboxes();
	char arg[2][16];
	struct box b[2];
	pid_t pid;

	ASSERT_EQ(0, access(DEVICE, R_OK | W_OK));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* O_CLOEXEC is what box_open() has. */
		if (box_open(&b[0]) || box_open(&b[1]) ||
		    fcntl(b[1].fd, F_SETFD, 0))
			_exit(10);
		b[1].mem[5] = 0x44;
		for (int i = 0; i < 2; i++)
			snprintf(arg[i], sizeof(arg[i]), "%d", b[i].fd);
		execl("/proc/self/exe", "security", "--after-exec", arg[0], arg[1],
		      NULL);
		_exit(11);
	}
	EXPECT_EQ(0, outcome(pid));
	EXPECT_EQ(before, sandboxes_settle(before));
}

static void *run_forever(void *arg)
{
	run_stream(arg, jmp_self, sizeof(jmp_self));
	return NULL;
}

static void *read_forever(void *arg)
{
	const struct box *b = arg;
	char c;

	return read(b->fd, &c, 1) < 0 && errno == EINTR ? arg : NULL;
}

static bool running(const struct box *b)
{
	struct piotrap_state st;
	int err, tries = 10000;

	while ((err = get_state(b, &st)) != -EBUSY && tries--)
		usleep(100);
	return err == -EBUSY;
}

/* A process ends while its threads run, read and wait for one another. */
TEST(exit_during_run)
{
	long before = sandboxes();
	struct box b[3];
	pthread_t th;
	pid_t pid;

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (int i = 0; i < 3; i++)
			if (box_open(&b[i]))
				_exit(1);
		if (set_ports(&b[2], PIOTRAP_PORT_CONSOLE, 0xe9, 1, 0xe9, 0) ||
		    pthread_create(&th, NULL, run_forever, &b[0]) ||
		    pthread_create(&th, NULL, run_forever, &b[1]) ||
		    pthread_create(&th, NULL, read_forever, &b[2]))
			_exit(2);
		_exit(running(&b[0]) && running(&b[1]) ? 0 : 3);
	}
	EXPECT_EQ(0, outcome(pid));
	EXPECT_EQ(before, sandboxes_settle(before));
}

/* All is closed and unmapped under a run: that ends as it would have. */
TEST(close_and_unmap_during_run)
{
	long before = sandboxes();
	struct piotrap_run *run;
	pthread_t th;
	struct box b;
	int fd;

	ASSERT_EQ(0, box_open(&b));
	ASSERT_EQ(0, pthread_create(&th, NULL, run_forever, &b));
	ASSERT_TRUE(running(&b));
	fd = dup(b.fd);
	ASSERT_LE(0, fd);
	run = b.run;
	ASSERT_EQ(0, munmap(run, PIOTRAP_MMAP_SIZE));
	ASSERT_EQ(0, munmap(b.mem, MEM_SIZE));
	ASSERT_EQ(0, close(b.fd));
	EXPECT_EQ(before + 1, sandboxes());
	b.fd = fd;
	EXPECT_EQ(0, kick(&b));
	pthread_join(th, NULL);
	EXPECT_EQ(before + 1, sandboxes());
	close(fd);
	EXPECT_EQ(before, sandboxes_settle(before));
}

static void wake(int sig)
{
	(void)sig;
}

/* Is a thread asleep? Its id is at @tid once it has begun. */
struct reader {
	struct box b;
	atomic_int tid;
};

static void *read_blocked(void *arg)
{
	struct reader *r = arg;

	atomic_store(&r->tid, syscall(SYS_gettid));
	return read_forever(&r->b);
}

static bool asleep(int tid)
{
	char path[64], buf[256], *p;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	if (get_text(path, buf, sizeof(buf)))
		return false;
	p = strrchr(buf, ')');
	return p && (p[2] == 'S' || p[2] == 'D');
}

/* The descriptor goes while a thread waits in read(). */
TEST(close_while_reading)
{
	struct sigaction sa = { .sa_handler = wake };
	long before = sandboxes();
	struct reader r = { 0 };
	int tries = 10000;
	pthread_t th;
	void *ret;

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, box_open(&r.b));
	ASSERT_EQ(0, pthread_create(&th, NULL, read_blocked, &r));
	while ((!atomic_load(&r.tid) || !asleep(atomic_load(&r.tid))) && tries--)
		usleep(100);
	ASSERT_LT(0, tries);
	close(r.b.fd);
	munmap(r.b.run, PIOTRAP_MMAP_SIZE);
	/* It is the reader's until he comes back. */
	EXPECT_EQ(before + 1, sandboxes());
	ASSERT_EQ(0, pthread_kill(th, SIGUSR1));
	ASSERT_EQ(0, pthread_join(th, &ret));
	EXPECT_EQ(&r.b, ret);
	EXPECT_EQ(before, sandboxes_settle(before));
}

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &m, 0) == 1 ? 0 : -errno;
}

/* Sent and never received: it lives in the socket, and goes with it. */
TEST(lost_in_a_socket)
{
	long before = sandboxes();
	struct box b;
	int sock[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sock))
		SKIP(return, "no sockets in this kernel");
	ASSERT_EQ(0, box_open(&b));
	ASSERT_EQ(0, send_fd(sock[1], b.fd));
	box_close(&b);
	EXPECT_EQ(before + 1, sandboxes());
	close(sock[0]);
	close(sock[1]);
	EXPECT_EQ(before, sandboxes_settle(before));
}

static int unload(void)
{
	return syscall(SYS_delete_module, "piotrap", O_NONBLOCK) ? -errno : 0;
}

/* An open file, or the run page alone, keeps the module. */
TEST(unload_is_refused)
{
	struct box b;
	int err;

	ASSERT_EQ(0, box_open(&b));
	err = unload();
	if (err == -EPERM) {
		box_close(&b);
		SKIP(return, "needs CAP_SYS_MODULE");
	}
	EXPECT_EQ(-EAGAIN, err);
	close(b.fd);
	b.fd = -1;
	ASSERT_LT(0, sandboxes());
	EXPECT_EQ(-EAGAIN, unload());
	b.run->regs.rax = 0x4711;
	EXPECT_EQ(0x4711, b.run->regs.rax);
	box_close(&b);
	ASSERT_EQ(0, box_open(&b));
	EXPECT_EQ(0, value_of_5(&b));
	box_close(&b);
}

/* -- Calls that wait can be killed -- */

/* A page that nobody will ever supply. */
static void *missing_page(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	void *p = pages(PAGE);

	reg.range.start = (uintptr_t)p;
	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) ||
	    ioctl(fd, UFFDIO_REGISTER, &reg))
		return NULL;
	return p;
}

enum wait_in { WAIT_REGION, WAIT_LOG, WAIT_INPUT, WAIT_STREAM, WAIT_ARGUMENT, NR_WAITS };

static int wait_forever(const struct box *b, enum wait_in where, void *page)
{
	switch (where) {
	case WAIT_REGION:
		return set_region(b, PIOTRAP_REGION_RAM, 0x100000, PAGE, page);
	case WAIT_LOG:
		return set_log(b, PIOTRAP_LOG_PORTS, page, PAGE);
	case WAIT_INPUT:
		return queue_input(b, INPUT_PORT, page, PAGE);
	case WAIT_STREAM:
		return run_stream(b, page, 16);
	default:
		return ctl(b, PIOTRAP_CONFIG, page);
	}
}

struct waiter {
	struct box b;
	enum wait_in where;
	void *page;
	atomic_int tid;
	atomic_int err;
};

static void *wait_first(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->tid, syscall(SYS_gettid));
	atomic_store(&w->err, wait_forever(&w->b, w->where, w->page));
	return NULL;
}

/* In the child: 4 or 5 if nothing waits here, else it is to be killed. */
static int wait_and_tell(enum wait_in where, const int ready[2])
{
	struct waiter w = { .where = where };
	int tries = 20000;
	pthread_t th;

	w.page = missing_page();
	if (!w.page)
		return 4;
	if (box_open(&w.b) ||
	    set_ports(&w.b, PIOTRAP_PORT_INPUT, INPUT_PORT, 1, 0, 0) ||
	    pthread_create(&th, NULL, wait_first, &w))
		return 1;
	while (!atomic_load(&w.tid) || !asleep(atomic_load(&w.tid))) {
		/* Before 6.2 a pin for long does not wait, but fails. */
		if (atomic_load(&w.err) == -EFAULT &&
		    (where == WAIT_REGION || where == WAIT_LOG))
			return 5;
		if (atomic_load(&w.err) || !tries--)
			return 2;
		usleep(100);
	}
	tell(ready);
	/* This thread waits for the other, where that one changes the sandbox. */
	if (where == WAIT_REGION || where == WAIT_LOG || where == WAIT_INPUT)
		run_on(&w.b);
	pthread_join(th, NULL);
	return 3;
}

/* And so can those that wait for them. */
TEST(killed_while_waiting)
{
	long before = sandboxes();

	for (enum wait_in where = 0; where < NR_WAITS; where++) {
		int ready[2], status;
		pid_t pid;

		ASSERT_EQ(0, pipe(ready));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(wait_and_tell(where, ready));
		close(ready[1]);
		if (read(ready[0], &status, 1) == 1) {
			usleep(50000);
			kill(pid, SIGKILL);
		}
		close(ready[0]);
		status = outcome(pid);
		if (status == 4)
			SKIP(return, "no userfaultfd");
		EXPECT_TRUE(status == -SIGKILL || status == 5)
			TH_LOG("%d: %d", where, status);
		EXPECT_EQ(before, sandboxes_settle(before)) TH_LOG("%d", where);
	}
}

/* -- What a user may have -- */

static int open_many(int *fd, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		fd[i] = open(DEVICE, O_RDWR | O_CLOEXEC);
		if (fd[i] < 0)
			break;
	}
	return i;
}

static void close_many(const int *fd, int n)
{
	while (n--)
		close(fd[n]);
}

/* In a process that has become nobody, where three are allowed. */
static int three_are_mine(gid_t group)
{
	int fd[5], early, status;
	pid_t pid;

	/* Root's, although nobody will close it. */
	early = open(DEVICE, O_RDWR);
	if (early < 0 || become_nobody(group, 0))
		return 1;
	if (open_many(fd, 5) != 3 || errno != EMFILE)
		return 2;
	pid = fork();
	if (!pid)
		_exit(open(DEVICE, O_RDWR) < 0 && errno == EMFILE ? 0 : 1);
	status = outcome(pid);
	if (status)
		return 3;
	/* Room is made by one of them, not by root's. */
	close(early);
	if (open(DEVICE, O_RDWR) >= 0 || errno != EMFILE)
		return 4;
	close(fd[1]);
	fd[1] = open(DEVICE, O_RDWR);
	if (fd[1] < 0)
		return 5;
	close_many(fd, 3);
	return open_many(fd, 5) == 3 ? 0 : 6;
}

TEST(sandboxes_of_a_user)
{
	gid_t group = device_group();
	long before = sandboxes();
	char limit[32];
	int fd[5];
	pid_t pid;

	if (getuid())
		SKIP(return, "needs root to become someone else");
	if (!group)
		SKIP(return, "the device has no group but root's");
	ASSERT_EQ(0, get_text(PARAMETER, limit, sizeof(limit)));
	ASSERT_EQ(0, put_text(PARAMETER, "3"));
	for (int i = 0; i < 2; i++) {
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(three_are_mine(group));
		/* The second finds what the first has left behind. */
		EXPECT_EQ(0, outcome(pid));
		EXPECT_EQ(before, sandboxes_settle(before));
	}
	/* CAP_SYS_RESOURCE */
	EXPECT_EQ(5, open_many(fd, 5));
	close_many(fd, 5);
	EXPECT_EQ(0, put_text(PARAMETER, limit));
}

/* 64 KiB are for all of the user's processes together. */
static int pin_40k(gid_t group, const int ready[2], const int go[2])
{
	struct box b;
	uint8_t *p;

	if (become_nobody(group, 64 * 1024) || box_open_bare(&b))
		return 1;
	p = pages(40 * 1024);
	if (!p || set_region(&b, PIOTRAP_REGION_RAM, 0, 40 * 1024, p))
		return 2;
	tell(ready);
	await(go);
	return 0;
}

static int pin_beside(gid_t group, const int ready[2], const int go[2])
{
	struct box b;
	uint8_t *p;

	if (become_nobody(group, 64 * 1024) || box_open_bare(&b))
		return 1;
	p = pages(40 * 1024);
	if (!p)
		return 2;
	if (set_region(&b, PIOTRAP_REGION_RAM, 0, 40 * 1024, p) != -ENOMEM)
		return 3;
	if (set_region(&b, PIOTRAP_REGION_RAM, 0, 24 * 1024, p))
		return 4;
	if (set_log(&b, PIOTRAP_LOG_PORTS, p + 24 * 1024, PAGE) != -ENOMEM)
		return 5;
	if (set_region(&b, PIOTRAP_REGION_NONE, 0, 24 * 1024, NULL))
		return 6;
	tell(ready);
	await(go);
	return set_region(&b, PIOTRAP_REGION_RAM, 0, 40 * 1024, p) ? 7 : 0;
}

TEST(memory_of_a_user)
{
	int ready[2][2], go[2][2];
	gid_t group = device_group();
	pid_t pid[2];
	char c;

	if (getuid())
		SKIP(return, "needs root to become someone else");
	if (!group)
		SKIP(return, "the device has no group but root's");
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pipe(ready[i]));
		ASSERT_EQ(0, pipe(go[i]));
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(i ? pin_beside(group, ready[i], go[i]) :
				  pin_40k(group, ready[i], go[i]));
		close(ready[i][1]);
		EXPECT_EQ(1, read(ready[i][0], &c, 1)) TH_LOG("%d", i);
	}
	/* The first goes, the second has room. */
	tell(go[0]);
	EXPECT_EQ(0, outcome(pid[0]));
	tell(go[1]);
	EXPECT_EQ(0, outcome(pid[1]));
}

/* -- Memory cgroups -- */

#define MAX_FILES	900

static int fds[MAX_FILES];

static bool make_group(const char *limit)
{
	char buf[256];

	if (get_text("/sys/fs/cgroup/cgroup.controllers", buf, sizeof(buf)) ||
	    !strstr(buf, "memory"))
		return false;
	put_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		return false;
	put_text(GROUP "/memory.swap.max", "0");
	return !put_text(GROUP "/memory.max", limit);
}

static long group_bytes(void)
{
	char buf[32];

	return get_text(GROUP "/memory.current", buf, sizeof(buf)) ? -1 : atol(buf);
}

/* Files until it is enough, in the group; nothing else needs memory meanwhile. */
static int fill_group(void)
{
	int n, err;

	if (put_text(GROUP "/cgroup.procs", "0") ||
	    put_text("/proc/self/oom_score_adj", "-1000") ||
	    mlockall(MCL_CURRENT))
		return 1;
	n = open_many(fds, MAX_FILES);
	err = errno;
	close_many(fds, n);
	if (n == MAX_FILES)
		return 2;
	if (err != ENOMEM)
		return 3;
	if (n < 8)
		return 4;
	/* As many again. */
	err = open_many(fds, n);
	close_many(fds, err);
	return err == n ? 0 : 5;
}

static int count_in_group(void)
{
	long bytes, each;
	int n;

	if (put_text(GROUP "/cgroup.procs", "0"))
		return 1;
	n = open_many(fds, 4);
	bytes = group_bytes();
	n += open_many(fds + n, 60);
	each = (group_bytes() - bytes) / 60;
	if (n != 64)
		return 2;
	/* The run page and its data, the ports, the rest of it. */
	return each >= 2 * (long)PAGE + 65536 ? 0 : 3;
}

/* The same, where the kernel may kill. */
static int be_killed(void)
{
	if (put_text(GROUP "/cgroup.procs", "0") || mlockall(MCL_CURRENT))
		return 1;
	open_many(fds, MAX_FILES);
	return 2;
}

TEST(memory_cgroup)
{
	long before = sandboxes();
	pid_t pid;

	if (getuid() || !make_group("max"))
		SKIP(return, "no memory cgroups, or not root");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(count_in_group());
	EXPECT_EQ(0, outcome(pid));
	EXPECT_EQ(before, sandboxes_settle(before));

	ASSERT_EQ(0, put_text(GROUP "/memory.max", "24M"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(fill_group());
	EXPECT_EQ(0, outcome(pid));
	EXPECT_EQ(before, sandboxes_settle(before));

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(be_killed());
	EXPECT_EQ(-SIGKILL, outcome(pid));
	EXPECT_EQ(before, sandboxes_settle(before));
	rmdir(GROUP);
}

/* -- Nothing of the kernel's -- */

/* An address of the kernel's: its half, but for small negative numbers. */
static bool kernel_address(uint64_t v)
{
	return v >= 0xffff800000000000 && v < 0xffffffffff000000;
}

static unsigned int kernel_addresses(const void *p, size_t len)
{
	unsigned int n = 0;
	uint64_t v;

	for (size_t i = 0; i + sizeof(v) <= len; i += sizeof(v)) {
		memcpy(&v, (const uint8_t *)p + i, sizeof(v));
		n += kernel_address(v);
	}
	return n;
}

TEST(no_addresses)
{
	/* An access of each kind, exits of several, and what they leave behind. */
	static const uint8_t code[][4] = {
		{ 0xe4, 0x80, 0x90, 0x90 }, { 0xe4, 0x90 }, { 0xcc },
		{ 0xf3, 0x6c, 0x90, 0x90 }, { 0xf4 }, { 0x0f, 0x6f, 0xc0 },
		{ 0xa0, 0x00, 0x90, 0x90 },
	};
	struct piotrap_info info = { .size = sizeof(info) };
	uint8_t *ring = pages(0x4000);
	static struct piotrap_state st;
	uint64_t planted[2] = { 0xffff888003a40000, 0xffffffffc0a81000 };
	unsigned int reasons = 0;
	struct box b;

	EXPECT_EQ(2, kernel_addresses(planted, sizeof(planted)));
	ASSERT_EQ(0, box_open(&b));
	ASSERT_EQ(0, set_ports(&b, PIOTRAP_PORT_EXIT, 0x90, 1, 0, 0));
	ASSERT_EQ(0, set_log(&b, PIOTRAP_LOG_PORTS | PIOTRAP_LOG_STEPS, ring,
			     0x4000));
	for (size_t i = 0; i < sizeof(code) / sizeof(code[0]); i++) {
		reset_cpu(&b);
		ASSERT_EQ(0, run_stream(&b, code[i], sizeof(code[i])));
		reasons |= 1U << b.run->exit_reason;
		ASSERT_EQ(0, get_state(&b, &st));
		EXPECT_EQ(0, kernel_addresses(b.run, PIOTRAP_MMAP_SIZE))
			TH_LOG("%zu", i);
		EXPECT_EQ(0, kernel_addresses(&st, sizeof(st))) TH_LOG("%zu", i);
	}
	EXPECT_TRUE(reasons & 1U << PIOTRAP_EXIT_IO_PORT);
	EXPECT_TRUE(reasons & 1U << PIOTRAP_EXIT_INT);
	EXPECT_TRUE(reasons & 1U << PIOTRAP_EXIT_UNSUPPORTED);
	EXPECT_EQ(0, kernel_addresses(ring, 0x4000));
	ASSERT_EQ(0, ctl(&b, PIOTRAP_INFO, &info));
	EXPECT_EQ(0, kernel_addresses(&info, sizeof(info)));
	box_close(&b);
}

/* What was in the kernel's memory before is in none of it either. */
TEST(no_leftovers)
{
	static struct piotrap_state st[2];
	struct box b[2];

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, box_open_bare(&b[i]));
		ASSERT_EQ(0, get_state(&b[i], &st[i]));
	}
	EXPECT_EQ(0, memcmp(&st[0], &st[1], sizeof(st[0])));
	EXPECT_EQ(0, memcmp(b[0].run, b[1].run, PIOTRAP_MMAP_SIZE));
	for (size_t i = sizeof(struct piotrap_run); i < PIOTRAP_MMAP_SIZE; i++)
		ASSERT_EQ(0, ((uint8_t *)b[0].run)[i]);
	box_close(&b[0]);
	box_close(&b[1]);
}

/* Events have no fields that could hold one, and print none. */
TEST(no_addresses_in_events)
{
	static const char * const dirs[] = {
		"/sys/kernel/tracing/events/piotrap",
		"/sys/kernel/debug/tracing/events/piotrap",
	};
	static char text[8192];
	char path[512];
	unsigned int n = 0;
	struct dirent *e;
	DIR *d;
	int i;

	for (i = 0; i < 2; i++) {
		d = opendir(dirs[i]);
		if (d)
			break;
	}
	if (i == 2)
		SKIP(return, "no tracefs, or it may not be read");
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, "piotrap_", 8))
			continue;
		snprintf(path, sizeof(path), "%s/%s/format", dirs[i], e->d_name);
		ASSERT_EQ(0, get_text(path, text, sizeof(text))) TH_LOG("%s", path);
		EXPECT_EQ(NULL, strchr(text, '*')) TH_LOG("%s", e->d_name);
		EXPECT_EQ(NULL, strstr(text, "%p")) TH_LOG("%s", e->d_name);
		EXPECT_NE(NULL, strstr(text, "print fmt")) TH_LOG("%s", e->d_name);
		n++;
	}
	closedir(d);
	EXPECT_LT(5, n);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--after-exec"))
		return after_exec(atoi(argv[2]), atoi(argv[3]));
	return box_main(argc, argv);
}
