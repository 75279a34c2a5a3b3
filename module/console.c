// SPDX-License-Identifier: GPL-2.0
/*
 * The console: a ring from console ports to read(2) and poll(2).
 *
 * One thread writes (the one that runs), one at a time reads; neither waits for
 * the other. @head and @tail run freely, their difference is what the ring holds.
 */
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "sandbox.h"

static_assert((LIMIT_CONSOLE & (LIMIT_CONSOLE - 1)) == 0);

void console_init(struct console *con)
{
	mutex_init(&con->lock);
	init_waitqueue_head(&con->wait);
}

/**
 * console_alloc() - give the console its ring, when the first port wants it
 * @con: console
 *
 * The ring then stays until the sandbox goes, so that readers need not ask for it.
 *
 * Return: 0 or -ENOMEM.
 */
int console_alloc(struct console *con)
{
	if (!con->buf)
		con->buf = kvmalloc(LIMIT_CONSOLE, GFP_OWNER);
	return con->buf ? 0 : -ENOMEM;
}

void console_free(struct console *con)
{
	kvfree(con->buf);
	mutex_destroy(&con->lock);
}

/**
 * console_write() - add bytes
 * @con: console
 * @data: bytes
 * @len: how many, no more than console_room()
 *
 * Readers who sleep are woken by console_wake().
 */
void console_write(struct console *con, const void *data, u32 len)
{
	u32 pos = con->head & (LIMIT_CONSOLE - 1);
	u32 part = min_t(u32, len, LIMIT_CONSOLE - pos);

	memcpy(con->buf + pos, data, part);
	if (unlikely(part < len))
		memcpy(con->buf, data + part, len - part);
	/* Pairs with the acquire in console_len(). */
	smp_store_release(&con->head, con->head + len);
}

/**
 * console_put() - add the bytes of a value, the lowest first
 * @con: console
 * @val: value
 * @len: 1 to 4, no more than console_room()
 *
 * Otherwise as console_write().
 */
void console_put(struct console *con, u32 val, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		con->buf[(con->head + i) & (LIMIT_CONSOLE - 1)] = val >> (8 * i);
	/* Pairs with the acquire in console_len(). */
	smp_store_release(&con->head, con->head + len);
}

/**
 * console_wake() - wake readers if there is something new
 * @con: console
 *
 * At each poll and at the end of a run, so that a byte does not cost a barrier.
 */
void console_wake(struct console *con)
{
	if (con->announced == con->head)
		return;
	con->announced = con->head;
	/* Its barrier pairs with that of a reader who goes to sleep. */
	if (wq_has_sleeper(&con->wait))
		wake_up_interruptible_poll(&con->wait, EPOLLIN | EPOLLRDNORM);
}

static u32 console_len(const struct console *con)
{
	/* Pairs with the release in console_write(): the bytes are there. */
	return smp_load_acquire(&con->head) - READ_ONCE(con->tail);
}

static int console_lock(struct console *con, bool nonblock)
{
	if (nonblock)
		return mutex_trylock(&con->lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&con->lock) ? -ERESTARTSYS : 0;
}

ssize_t console_read(struct console *con, char __user *buf, size_t len,
		     bool nonblock)
{
	u32 pos, part, want, left;
	int ret;

	if (!len)
		return 0;
	for (;;) {
		ret = console_lock(con, nonblock);
		if (ret)
			return ret;
		want = min_t(size_t, len, console_len(con));
		if (want)
			break;
		mutex_unlock(&con->lock);
		if (nonblock)
			return -EAGAIN;
		ret = wait_event_interruptible(con->wait, console_len(con));
		if (ret)
			return ret;
	}

	pos = con->tail & (LIMIT_CONSOLE - 1);
	part = min_t(u32, want, LIMIT_CONSOLE - pos);
	left = copy_to_user(buf, con->buf + pos, part);
	if (!left && want > part)
		left = copy_to_user(buf + part, con->buf, want - part);
	else
		left += want - part;
	want -= left;
	/* Pairs with the acquire in console_room(). */
	smp_store_release(&con->tail, con->tail + want);
	mutex_unlock(&con->lock);
	return want ? (ssize_t)want : -EFAULT;
}

__poll_t console_poll(struct console *con, struct file *file, poll_table *wait)
{
	poll_wait(file, &con->wait, wait);
	return console_len(con) ? EPOLLIN | EPOLLRDNORM : 0;
}
