/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Host memory behind a window: how it is found, read and written.
 */
#ifndef EMU_WINDOW_H
#define EMU_WINDOW_H

#include "internal.h"

typedef u16 unaligned_u16 __aligned(1);
typedef u32 unaligned_u32 __aligned(1);
typedef u64 unaligned_u64 __aligned(1);

/* One access of its size where the size has one (K9), bytes otherwise. */
static __always_inline u64 host_read(const u8 *p, unsigned int size)
{
	u64 v = 0;

	if (size == 4)
		return READ_ONCE(*(const unaligned_u32 *)p);
	if (size == 8)
		return READ_ONCE(*(const unaligned_u64 *)p);
	if (size == 1)
		return READ_ONCE(*p);
	if (size == 2)
		return READ_ONCE(*(const unaligned_u16 *)p);
	memcpy(&v, p, size);
	return v;
}

static __always_inline void host_write(u8 *p, unsigned int size, u64 val)
{
	if (size == 4)
		WRITE_ONCE(*(unaligned_u32 *)p, val);
	else if (size == 8)
		WRITE_ONCE(*(unaligned_u64 *)p, val);
	else if (size == 1)
		WRITE_ONCE(*p, val);
	else if (size == 2)
		WRITE_ONCE(*(unaligned_u16 *)p, val);
	else
		memcpy(p, &val, size);
}

/* What the tag of a window of this page is now; the generation is never 0. */
static inline u64 emu_page_tag(const struct emu *cpu, u64 lin)
{
	return (lin & ~(u64)(EMU_PAGE - 1)) | cpu->generation;
}

/* Whose rights the access has that is being made. */
static inline bool user_access(const struct emu *cpu)
{
	return cpu->access == ACCESS_CPL && cpl(cpu) == 3;
}

static inline struct emu_window *window_slot(struct emu *cpu, u64 lin, bool user)
{
	return &cpu->win[user][emu_index_nospec((lin / EMU_PAGE) % EMU_NR_WINDOWS,
						EMU_NR_WINDOWS)];
}

static inline u64 window_tag(const struct emu_window *w, enum emu_access acc)
{
	switch (acc) {
	case EMU_ACC_READ:
		return w->read_tag;
	case EMU_ACC_WRITE:
		return w->write_tag;
	default:
		return w->exec_tag;
	}
}

/* Is it that of the page of @lin, for this kind of access? */
static inline bool window_has(const struct emu *cpu, const struct emu_window *w,
			      u64 lin, enum emu_access acc)
{
	return (window_tag(w, acc) & ~EMU_TAG_WATCHED) == emu_page_tag(cpu, lin);
}

#endif /* EMU_WINDOW_H */
