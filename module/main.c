// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/piotrap: the file, its ioctls, and who may use a sandbox when.
 */
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/stddef.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "sandbox.h"

#if !IS_ENABLED(CONFIG_X86_64)
#error piotrap needs a 64-bit x86 kernel
#endif

/* -- Who may use a sandbox. -- */

/*
 * Somebody else has it: another run is refused, but a call that changes the sandbox
 * ends soon, and that is waited for.
 */
int sandbox_wait_run(struct sandbox *sb)
{
	bool taken = false;

	if (atomic_read(&sb->owner) != OWNER_RUN) {
		if (mutex_lock_killable(&sb->config_lock))
			return -EINTR;
		taken = sandbox_take(sb, OWNER_RUN);
		mutex_unlock(&sb->config_lock);
	}
	return taken ? 0 : -EBUSY;
}

/* Such calls wait for one another, and are refused while a run is under way. */
static int sandbox_take_config(struct sandbox *sb)
{
	if (mutex_lock_killable(&sb->config_lock))
		return -EINTR;
	if (sandbox_take(sb, OWNER_CONFIG))
		return 0;
	mutex_unlock(&sb->config_lock);
	return -EBUSY;
}

static void sandbox_put_config(struct sandbox *sb)
{
	sandbox_put(sb);
	mutex_unlock(&sb->config_lock);
}

/* -- Ioctls. -- */

static int call_info(struct sandbox *sb, void *arg, void __user *uarg)
{
	struct piotrap_info *info = arg;

	info->abi_version = PIOTRAP_ABI_VERSION;
	info->modes = PIOTRAP_MODE_REAL | PIOTRAP_MODE_PROTECTED |
		      PIOTRAP_MODE_V86 | PIOTRAP_MODE_LONG |
		      PIOTRAP_MODE_CALLER;
	info->exit_reasons = RUN_EXIT_REASONS;
	info->port_kinds = BIT(PIOTRAP_PORT_BPF + 1) - 1;
	info->region_kinds = BIT(PIOTRAP_REGION_EXIT + 1) - 1;
	info->max_regions = LIMIT_REGIONS;
	info->max_port_ranges = LIMIT_PORT_RANGES;
	info->max_stream = PIOTRAP_STREAM_MAX;
	info->max_io_data = PIOTRAP_IO_DATA;
	info->max_memory = LIMIT_MEMORY;
	info->max_console = LIMIT_CONSOLE;
	info->max_input = LIMIT_INPUT;
	info->sandbox_id = sb->id;
	info->max_cpuid = EMU_CPUID_MAX;
	info->cpuid_presets = EMU_NR_PRESETS;
	info->max_watches = EMU_WATCH_MAX;
	/* Older programs have room for less. */
	return copy_to_user(uarg, info, min_t(size_t, info->size,
					      sizeof(*info))) ? -EFAULT : 0;
}

static int call_config(struct sandbox *sb, void *arg, void __user *uarg)
{
	return run_config(sb, arg);
}

static int call_set_region(struct sandbox *sb, void *arg, void __user *uarg)
{
	return memory_set_region(sb, arg);
}

static int call_set_ports(struct sandbox *sb, void *arg, void __user *uarg)
{
	return ports_set(sb, arg);
}

static int call_queue_input(struct sandbox *sb, void *arg, void __user *uarg)
{
	struct piotrap_input __user *uinput = uarg;
	struct piotrap_input *input = arg;
	int ret;

	ret = ports_queue_input(sb, input);
	if (ret)
		return ret;
	/* Not before the owner knows does it count. */
	if (put_user(input->len, &uinput->len))
		return -EFAULT;
	ports_commit_input(sb, input);
	return 0;
}

static int call_run(struct sandbox *sb, void *arg, void __user *uarg)
{
	const struct piotrap_run_args *run_args = arg;

	return run(sb, run_args->flags, run_args->stream, run_args->len);
}

static int call_get_state(struct sandbox *sb, void *arg, void __user *uarg)
{
	return state_get(sb, uarg);
}

static int call_set_state(struct sandbox *sb, void *arg, void __user *uarg)
{
	return state_set(sb, arg);
}

static int call_kick(struct sandbox *sb, void *arg, void __user *uarg)
{
	WRITE_ONCE(sb->kick, true);
	return 0;
}

static int call_set_log(struct sandbox *sb, void *arg, void __user *uarg)
{
	return log_set(sb, arg);
}

static int call_set_cpuid(struct sandbox *sb, void *arg, void __user *uarg)
{
	return cpuid_set(sb, arg);
}

static int call_get_cpuid(struct sandbox *sb, void *arg, void __user *uarg)
{
	return cpuid_get(sb, arg, uarg);
}

static int call_set_watches(struct sandbox *sb, void *arg, void __user *uarg)
{
	return watches_set(sb, arg);
}

static int call_get_watches(struct sandbox *sb, void *arg, void __user *uarg)
{
	return watches_get(sb, arg, uarg);
}

/* What all arguments begin with. */
struct arg_head {
	u32 size;
	u32 flags;
};

/**
 * struct call - an ioctl
 * @size: of its struct
 * @min_size: of the first version of its struct
 * @flags: that it knows
 * @reserved: offset of a field that must be zero, if any
 * @out: the struct is an answer: only its head is taken
 * @any_time: also while a run is under way; or the call sees to that itself
 * @fn: what it does; @arg is a private copy of the struct, @uarg the user's
 */
struct call {
	u16 size;
	u16 min_size;
	u16 reserved;
	bool out;
	bool any_time;
	u32 flags;
	int (*fn)(struct sandbox *sb, void *arg, void __user *uarg);
};

/* The end of @last: the size that the struct had when it was the last member. */
#define CALL(cmd, type, last)						\
	[(cmd) - PIOTRAP_INFO] = {					\
		.size = sizeof(struct type),				\
		.min_size = offsetofend(struct type, last)

static const struct call calls[] = {
	CALL(PIOTRAP_INFO, piotrap_info, sandbox_id),
		.out = true,
		.any_time = true,
		.fn = call_info,
	},
	CALL(PIOTRAP_CONFIG, piotrap_config, exit_ints),
		.flags = PIOTRAP_CONFIG_EXIT_IRET | PIOTRAP_CONFIG_NO_BULK |
			 PIOTRAP_CONFIG_AMD | PIOTRAP_CONFIG_DISABLED_B_BITS |
			 PIOTRAP_CONFIG_CALLER | PIOTRAP_CONFIG_EXIT_MSRS |
			 PIOTRAP_CONFIG_BPF,
		.reserved = offsetof(struct piotrap_config, reserved),
		.fn = call_config,
	},
	CALL(PIOTRAP_SET_REGION, piotrap_region, addr),
		.reserved = offsetof(struct piotrap_region, reserved),
		.fn = call_set_region,
	},
	CALL(PIOTRAP_SET_PORTS, piotrap_ports, mask),
		.flags = PIOTRAP_PORTS_DROP | PIOTRAP_PORTS_WAIT |
			 PIOTRAP_PORTS_MATCH,
		.reserved = offsetof(struct piotrap_ports, reserved),
		.fn = call_set_ports,
	},
	CALL(PIOTRAP_QUEUE_INPUT, piotrap_input, addr),
		.fn = call_queue_input,
	},
	CALL(PIOTRAP_RUN, piotrap_run_args, reserved),
		.flags = PIOTRAP_RUN_STREAM,
		.reserved = offsetof(struct piotrap_run_args, reserved),
		.any_time = true,
		.fn = call_run,
	},
	CALL(PIOTRAP_GET_STATE, piotrap_state, io_data),
		.out = true,
		.fn = call_get_state,
	},
	CALL(PIOTRAP_SET_STATE, piotrap_state, io_data),
		.fn = call_set_state,
	},
	CALL(PIOTRAP_KICK, piotrap_kick, flags),
		.any_time = true,
		.fn = call_kick,
	},
	CALL(PIOTRAP_SET_LOG, piotrap_log, len),
		.flags = PIOTRAP_LOG_PORTS | PIOTRAP_LOG_STEPS,
		.reserved = offsetof(struct piotrap_log, reserved),
		.fn = call_set_log,
	},
	CALL(PIOTRAP_SET_CPUID, piotrap_cpuid, entries),
		.flags = PIOTRAP_CPUID_PRESET,
		.fn = call_set_cpuid,
	},
	CALL(PIOTRAP_GET_CPUID, piotrap_cpuid, entries),
		.flags = PIOTRAP_CPUID_PRESET,
		.fn = call_get_cpuid,
	},
	CALL(PIOTRAP_SET_WATCHES, piotrap_watches, watches),
		.reserved = offsetof(struct piotrap_watches, reserved),
		.fn = call_set_watches,
	},
	CALL(PIOTRAP_GET_WATCHES, piotrap_watches, watches),
		.reserved = offsetof(struct piotrap_watches, reserved),
		.fn = call_get_watches,
	},
};

/* Enough for every argument but PIOTRAP_SET_STATE's. */
#define SMALL_ARG	96

/* The checks that all calls have in common, in the order of the ABI. */
static int fetch_arg(const struct call *call, void *arg, void __user *uarg,
		     u32 size)
{
	struct arg_head *head = arg;
	int ret;

	if (!call->out) {
		ret = copy_struct_from_user(arg, call->size, uarg, size);
		if (ret)
			return ret;
	} else {
		if (size > call->size) {
			ret = check_zeroed_user(uarg + call->size,
						size - call->size);
			if (ret <= 0)
				return ret ?: -E2BIG;
		}
		if (copy_from_user(head, uarg, sizeof(*head)))
			return -EFAULT;
	}
	head->size = size;	/* as checked, whatever is there by now */
	if ((head->flags & ~call->flags) ||
	    (call->reserved && *(u32 *)(arg + call->reserved)))
		return -EINVAL;
	return 0;
}

static int do_call(const struct call *call, struct sandbox *sb, void *arg,
		   void __user *uarg, u32 size)
{
	int ret;

	ret = fetch_arg(call, arg, uarg, size);
	if (ret)
		return ret;
	if (call->any_time)
		return call->fn(sb, arg, uarg);
	ret = sandbox_take_config(sb);
	if (ret)
		return ret;
	ret = call->fn(sb, arg, uarg);
	sandbox_put_config(sb);
	return ret;
}

static long any_call(struct sandbox *sb, unsigned int cmd, void __user *uarg)
{
	unsigned int nr = cmd - PIOTRAP_INFO;
	u64 small[SMALL_ARG / sizeof(u64)] = {};
	const struct call *call;
	void *arg = small;
	u32 size;
	int ret;

	if (nr >= ARRAY_SIZE(calls))
		return -ENOTTY;
	call = &calls[array_index_nospec(nr, ARRAY_SIZE(calls))];
	if (get_user(size, (u32 __user *)uarg))
		return -EFAULT;
	if (size < call->min_size)
		return -EINVAL;
	if (size > LIMIT_ARG)
		return -E2BIG;
	if (call->size > sizeof(small) && !call->out) {
		arg = kvmalloc(call->size, GFP_OWNER);
		if (!arg)
			return -ENOMEM;
	}
	ret = do_call(call, sb, arg, uarg, size);
	if (arg != small)
		kvfree(arg);
	return ret;
}

/*
 * The argument of PIOTRAP_RUN if it is as nearly all are: of the present size and with
 * nothing wrong. All zeros for all others; any_call() knows what to say of them.
 */
static __always_inline struct piotrap_run_args
fetch_run_args(const struct piotrap_run_args __user *uarg)
{
	const struct call *call = &calls[PIOTRAP_RUN - PIOTRAP_INFO];
	u32 size, flags, len, reserved;
	u64 stream;

	if (!user_read_access_begin(uarg, sizeof(*uarg)))
		goto other;
	unsafe_get_user(size, &uarg->size, fault);
	unsafe_get_user(flags, &uarg->flags, fault);
	unsafe_get_user(stream, &uarg->stream, fault);
	unsafe_get_user(len, &uarg->len, fault);
	unsafe_get_user(reserved, &uarg->reserved, fault);
	user_read_access_end();
	if (size == sizeof(*uarg) && !(flags & ~call->flags) && !reserved)
		return (struct piotrap_run_args){
			.size = size, .flags = flags, .stream = stream, .len = len,
		};
	goto other;

fault:
	user_read_access_end();
other:
	return (struct piotrap_run_args){ .size = 0 };
}

static long piotrap_ioctl(struct file *file, unsigned int cmd,
			  unsigned long param)
{
	struct sandbox *sb = file->private_data;
	void __user *uarg = (void __user *)param;
	struct piotrap_run_args arg;

	if (likely(cmd == PIOTRAP_RUN)) {
		arg = fetch_run_args(uarg);
		if (likely(arg.size))
			return run(sb, arg.flags, arg.stream, arg.len);
	}
	return any_call(sb, cmd, uarg);
}

/* -- The file. -- */

static ssize_t piotrap_read(struct file *file, char __user *buf, size_t len,
			    loff_t *pos)
{
	struct sandbox *sb = file->private_data;

	return console_read(&sb->console, buf, len,
			    file->f_flags & O_NONBLOCK);
}

static __poll_t piotrap_poll(struct file *file, poll_table *wait)
{
	struct sandbox *sb = file->private_data;

	return console_poll(&sb->console, file, wait);
}

/* The run page lives as long as the file, so this needs no lock. */
static int piotrap_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct sandbox *sb = file->private_data;

	/* What a private mapping is written the kernel would not see. */
	if (!(vma->vm_flags & VM_SHARED) || vma->vm_pgoff ||
	    vma->vm_end - vma->vm_start != PIOTRAP_MMAP_SIZE)
		return -EINVAL;
	compat_vm_flags_set(vma, VM_DONTEXPAND);
	return vm_map_pages(vma, sb->map, ARRAY_SIZE(sb->map));
}

static void sandbox_free(struct sandbox *sb)
{
	unsigned int i;

	caller_bind(sb, NULL);
	log_free(&sb->log);
	memory_free(&sb->memory);
	ports_free(&sb->ports);
	console_free(&sb->console);
	for (i = 0; i < ARRAY_SIZE(sb->map); i++)
		if (sb->map[i])
			__free_page(sb->map[i]);
	mutex_destroy(&sb->config_lock);
	user_close(sb->uid);
	kvfree(sb);
}

static struct sandbox *sandbox_new(void)
{
	static atomic64_t last_id;
	struct sandbox *sb;
	unsigned int i;
	int ret;

	sb = kvzalloc(sizeof(*sb), GFP_OWNER);
	if (!sb)
		return ERR_PTR(-ENOMEM);
	sb->uid = current_uid();
	ret = user_open(sb->uid);
	if (ret) {
		kvfree(sb);
		return ERR_PTR(ret);
	}
	mutex_init(&sb->config_lock);
	console_init(&sb->console);
	if (ports_init(&sb->ports))
		goto err;
	for (i = 0; i < ARRAY_SIZE(sb->map); i++) {
		sb->map[i] = alloc_page(GFP_OWNER | __GFP_ZERO);
		if (!sb->map[i])
			goto err;
	}
	sb->page = page_address(sb->map[0]);
	sb->io_data = page_address(sb->map[PIOTRAP_DATA_OFFSET / PAGE_SIZE]);
	sb->id = atomic64_inc_return(&last_id);
	sb->pid = task_tgid_nr(current);

	emu_init(&sb->cpu, &run_ops, sb);
	sb->cpu.config.exit_exceptions = ~0U;
	memset(sb->cpu.config.exit_ints, 0xff,
	       sizeof(sb->cpu.config.exit_ints));
	run_set_flags(sb);
	state_to_page(sb);
	return sb;
err:
	sandbox_free(sb);
	return ERR_PTR(-ENOMEM);
}

static int piotrap_open(struct inode *inode, struct file *file)
{
	struct sandbox *sb = sandbox_new();

	if (IS_ERR(sb))
		return PTR_ERR(sb);
	file->private_data = sb;
	return stream_open(inode, file);
}

static int piotrap_release(struct inode *inode, struct file *file)
{
	sandbox_free(file->private_data);
	return 0;
}

static const struct file_operations piotrap_fops = {
	.owner = THIS_MODULE,
	.open = piotrap_open,
	.release = piotrap_release,
	.read = piotrap_read,
	.poll = piotrap_poll,
	.mmap = piotrap_mmap,
	.unlocked_ioctl = piotrap_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice piotrap_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "piotrap",
	.fops = &piotrap_fops,
	.mode = 0660,
};

module_misc_device(piotrap_device);

MODULE_DESCRIPTION("x86 port I/O emulation with exact debug traps");
MODULE_LICENSE("GPL");
