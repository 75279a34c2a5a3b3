// SPDX-License-Identifier: GPL-2.0
/*
 * What a user has of all sandboxes: how many are open, and how much memory they
 * pin. Nothing here is on the way of PIOTRAP_RUN.
 *
 * The kernel's own counters for this (ucounts) are not offered to modules. Who can
 * become several users, by a user namespace with several of them mapped, has the
 * limits several times; it is memory cgroups that bound him.
 */
#include <linux/atomic.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/xarray.h>

#include "sandbox.h"

static unsigned int max_user_sandboxes = 1024;
module_param(max_user_sandboxes, uint, 0644);
MODULE_PARM_DESC(max_user_sandboxes,
		 "open sandboxes of a user; CAP_SYS_RESOURCE may have more (default 1024)");

/* Open sandboxes, by uid, where there are any. */
static DEFINE_XARRAY(users);
static DEFINE_MUTEX(users_lock);	/* a count is read and written as one */

static unsigned long sandboxes_of(kuid_t uid)
{
	void *entry = xa_load(&users, __kuid_val(uid));

	return entry ? xa_to_value(entry) : 0;
}

/**
 * user_open() - count a sandbox that is being opened
 * @uid: whose it is; user_close() has to be told the same
 *
 * Return: 0, -EMFILE (max_user_sandboxes) or -ENOMEM.
 */
int user_open(kuid_t uid)
{
	unsigned long n;
	int ret;

	mutex_lock(&users_lock);
	n = sandboxes_of(uid);
	if (n >= READ_ONCE(max_user_sandboxes) && !capable(CAP_SYS_RESOURCE))
		ret = -EMFILE;
	else
		ret = xa_err(xa_store(&users, __kuid_val(uid), xa_mk_value(n + 1),
				      GFP_OWNER));
	mutex_unlock(&users_lock);
	return ret;
}

/**
 * user_close() - a sandbox has gone
 * @uid: whose it was
 */
void user_close(kuid_t uid)
{
	unsigned long n;

	mutex_lock(&users_lock);
	n = sandboxes_of(uid);
	/* In the place of what is there: neither takes memory, neither can fail. */
	if (n > 1)
		xa_store(&users, __kuid_val(uid), xa_mk_value(n - 1), GFP_KERNEL);
	else
		xa_erase(&users, __kuid_val(uid));
	mutex_unlock(&users_lock);
}

/**
 * user_charge() - count pages against the caller's RLIMIT_MEMLOCK
 * @user: the caller's user, in whose account they go
 * @nr: pages
 *
 * The account is the one that other pins for long go to (io_uring, iommufd): it
 * holds for all processes of the user together.
 *
 * Return: 0 or -ENOMEM.
 */
int user_charge(struct user_struct *user, unsigned long nr)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	long now = atomic_long_read(&user->locked_vm);

	do {
		if (now + nr > limit && !capable(CAP_IPC_LOCK))
			return -ENOMEM;
	} while (!atomic_long_try_cmpxchg(&user->locked_vm, &now, now + nr));
	return 0;
}

void user_uncharge(struct user_struct *user, unsigned long nr)
{
	atomic_long_sub(nr, &user->locked_vm);
}
