// SPDX-License-Identifier: GPL-2.0
#include "undefined.h"

#define CF EMU_FL_CF
#define PF EMU_FL_PF
#define AF EMU_FL_AF
#define ZF EMU_FL_ZF
#define SF EMU_FL_SF
#define OF EMU_FL_OF

const struct undefined undefined[] = {
	{ "and or xor test", ALWAYS, AF, "logic leaves AF undefined" },
	{ "rol ror rcl rcr", BY_MORE, OF, "OF belongs to a count of 1" },
	{ "shl shr sar shld shrd", SHIFTED, AF, "shifts leave AF undefined" },
	{ "shl shr sar shld shrd", BY_MORE, OF, "OF belongs to a count of 1" },
	{ "shl shr", ALL_OUT, CF, "no bit of the operand was the last one out" },
	{ "mul imul", ALWAYS, SF | ZF | AF | PF, "products define CF and OF" },
	{ "div idiv", ALWAYS, EMU_FL_ARITH, "division defines no flag" },
	{ "daa das", ALWAYS, OF, "packed adjustment defines the five others" },
	{ "aaa aas", ALWAYS, OF | SF | ZF | PF, "unpacked adjustment defines AF and CF" },
	{ "aam aad", ALWAYS, OF | AF | CF, "they define SF, ZF and PF" },
	{ "bsf bsr", ALWAYS, CF | OF | SF | AF | PF, "scans define ZF" },
	{ "tzcnt lzcnt", ALWAYS, OF | SF | AF | PF, "counts of zeros define CF and ZF" },
	{ "bt bts btr btc", ALWAYS, OF | SF | AF | PF, "bit tests define CF, keep ZF" },
	{ "andn blsr blsmsk blsi bzhi", ALWAYS, AF | PF, "BMI leaves AF and PF undefined" },
	{ "bextr", ALWAYS, AF | SF | PF, "it defines ZF, clears CF and OF" },
};

const unsigned int nr_undefined = ARRAY_SIZE(undefined);

bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);
	const char *p = list;

	while ((p = strstr(p, name))) {
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
		p += n;
	}
	return false;
}

u64 undefined_of(const char *name, unsigned int count, unsigned int size)
{
	unsigned int k;
	u64 fl = 0;
	bool is;

	if (!name)
		return 0;
	for (k = 0; k < ARRAY_SIZE(undefined); k++) {
		switch (undefined[k].when) {
		case SHIFTED:
			is = count;
			break;
		case BY_MORE:
			is = count > 1;
			break;
		case ALL_OUT:
			is = count >= 8 * size;
			break;
		default:
			is = true;
		}
		if (is && in_list(undefined[k].name, name))
			fl |= undefined[k].flags;
	}
	return fl;
}
