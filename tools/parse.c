// SPDX-License-Identifier: GPL-2.0
/*
 * Readers of option values. Ports and addresses are hexadecimal, as in every
 * debugger, with or without 0x or h; counts and sizes are decimal.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "piotrap.h"

/* The number that s starts with, in hex; the rest, or NULL if there is none. */
static const char *hex(const char *s, uint64_t max, uint64_t *val)
{
	uint64_t v = 0;
	int digits = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X') &&
	    isxdigit((unsigned char)s[2]))
		s += 2;
	for (; isxdigit((unsigned char)*s); s++, digits++) {
		int c = tolower((unsigned char)*s);

		if (v >> 60)
			return NULL;
		v = v << 4 | (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);
		if (v > max)
			return NULL;
	}
	if (!digits)
		return NULL;
	if (*s == 'h' || *s == 'H')
		s++;
	*val = v;
	return s;
}

bool parse_hex(const char *s, uint64_t max, uint64_t *val)
{
	uint64_t v;

	s = hex(s, max, &v);
	if (!s || *s)
		return false;
	*val = v;
	return true;
}

/* Decimal digits only: strtoull() alone would take blanks and signs. */
static const char *decimal(const char *s, uint64_t *val)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return NULL;
	errno = 0;
	*val = strtoull(s, &end, 10);
	return errno ? NULL : end;
}

bool parse_count(const char *s, uint64_t *val)
{
	uint64_t v;

	s = decimal(s, &v);
	if (!s || *s || !v)
		return false;
	*val = v;
	return true;
}

bool parse_size(const char *s, uint64_t *val)
{
	unsigned int shift = 0;
	uint64_t v;

	s = decimal(s, &v);
	if (!s || !v)
		return false;
	if (*s == 'K' || *s == 'k')
		shift = 10;
	else if (*s == 'M' || *s == 'm')
		shift = 20;
	if (shift)
		s++;
	if (*s || v > UINT64_MAX >> shift)
		return false;
	*val = v << shift;
	return true;
}

bool parse_mode(const char *s, unsigned int *mode)
{
	uint64_t v;

	s = decimal(s, &v);
	if (!s || *s || (v != 16 && v != 32 && v != 64))
		return false;
	*mode = v;
	return true;
}

bool parse_cpu(const char *s, int *preset)
{
	static const char *const name[] = {
		[PIOTRAP_CPUID_386] = "386",
		[PIOTRAP_CPUID_486] = "486",
		[PIOTRAP_CPUID_PENTIUM] = "pentium",
		[PIOTRAP_CPUID_686] = "686",
		[PIOTRAP_CPUID_X86_64] = "x86-64",
		[PIOTRAP_CPUID_X86_64_V2] = "x86-64-v2",
		[PIOTRAP_CPUID_X86_64_V3] = "x86-64-v3",
	};

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		if (!strcmp(s, name[i])) {
			*preset = i;
			return true;
		}
	return false;
}

bool parse_address(const char *s, uint16_t *seg, uint16_t *off)
{
	uint64_t a, b;

	s = hex(s, 0xffff, &a);
	if (!s)
		return false;
	if (*s != ':') {
		b = a;
		a = 0;
	} else {
		s = hex(s + 1, 0xffff, &b);
	}
	if (!s || *s)
		return false;
	*seg = a;
	*off = b;
	return true;
}

bool parse_bdf(const char *s, uint16_t *ax)
{
	uint64_t bus, dev, fn;

	s = hex(s, 0xff, &bus);
	if (!s || *s != ':')
		return false;
	s = hex(s + 1, 0x1f, &dev);
	if (!s || *s != '.')
		return false;
	s = hex(s + 1, 7, &fn);
	if (!s || *s)
		return false;
	*ax = bus << 8 | dev << 3 | fn;
	return true;
}

/* The rest of @s behind :r or :w, if there is one; in @dirs bits by direction. */
static const char *direction(const char *s, unsigned int *dirs)
{
	*dirs = 1 << PIOTRAP_READ | 1 << PIOTRAP_WRITE;
	if (*s != ':' || (s[1] != 'r' && s[1] != 'w'))
		return s;
	*dirs = 1 << (s[1] == 'r' ? PIOTRAP_READ : PIOTRAP_WRITE);
	return s + 2;
}

/* What comes last, :NTH or nothing; from 1. */
static bool last_nth(const char *s, uint64_t *nth)
{
	*nth = 1;
	if (!*s)
		return true;
	if (*s != ':')
		return false;
	s = decimal(s + 1, nth);
	return s && !*s && *nth;
}

/* The rest of @s behind =VALUE[/MASK], if there is one; NULL: not right. */
static const char *match(const char *s, struct piotrap_watch *w)
{
	uint64_t value, mask = UINT64_MAX;

	if (*s != '=')
		return s;
	s = hex(s + 1, UINT64_MAX, &value);
	if (s && *s == '/')
		s = hex(s + 1, UINT64_MAX, &mask);
	if (!s || !mask || value & ~mask)
		return NULL;
	w->value = value;
	w->mask = mask;
	return s;
}

/* FIRST[-LAST][:r|w][=VALUE[/MASK]][:NTH] */
static bool parse_stop(const char *s, unsigned int space, uint64_t max,
		       struct piotrap_watch *stop)
{
	struct piotrap_watch w = { .space = space, .when = PIOTRAP_WATCH_AFTER };
	unsigned int dirs;
	uint64_t nth, first, last;

	s = hex(s, max, &first);
	last = first;
	if (s && *s == '-')
		s = hex(s + 1, max, &last);
	if (!s || last < first)
		return false;
	w.first = first;
	w.last = last;
	s = direction(s, &dirs);
	w.dirs = dirs;
	s = match(s, &w);
	if (!s || !last_nth(s, &nth))
		return false;
	w.skip = nth - 1;
	*stop = w;
	return true;
}

bool parse_break(const char *s, struct piotrap_watch *w)
{
	return parse_stop(s, PIOTRAP_WATCH_PORT, 0xffff, w);
}

bool parse_watch(const char *s, struct piotrap_watch *w)
{
	return parse_stop(s, PIOTRAP_WATCH_MEM, UINT64_MAX, w);
}

bool parse_dr(const char *s, struct io_dr *dr)
{
	struct io_dr d = { .seen = 0 };
	uint64_t port;

	s = hex(s, 0xffff, &port);
	if (!s || !last_nth(direction(s, &d.dirs), &d.nth))
		return false;
	d.port = port;
	*dr = d;
	return true;
}

/* The value after KIND:, "" if there is none, NULL: not this kind. */
static const char *kind_value(const char *s, const char *kind)
{
	size_t n = strlen(kind);

	if (strncmp(s, kind, n))
		return NULL;
	if (!s[n])
		return "";
	return s[n] == ':' && s[n + 1] ? s + n + 1 : NULL;
}

bool parse_rule(const char *s, struct port_rule *rule)
{
	static const struct {
		const char *name;
		enum piotrap_port_kind kind;
		unsigned int init;
	} kinds[] = {
		{ "openbus", PIOTRAP_PORT_OPEN_BUS, 0 },
		{ "latch", PIOTRAP_PORT_LATCH, 0 },
		{ "console", PIOTRAP_PORT_CONSOLE, 0xe9 },
		{ "input", PIOTRAP_PORT_INPUT, 0 },
	};
	struct port_rule r = { .file = NULL };
	uint64_t first, last, init = 0;
	const char *val = NULL;
	size_t i;

	s = hex(s, 0xffff, &first);
	if (!s)
		return false;
	last = first;
	if (*s == '-') {
		s = hex(s + 1, 0xffff, &last);
		if (!s || last < first)
			return false;
	}
	if (*s++ != '=')
		return false;
	r.first = first;
	r.count = last - first + 1;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		val = kind_value(s, kinds[i].name);
		if (val)
			break;
	}
	if (!val)
		return false;
	r.kind = kinds[i].kind;
	r.init = kinds[i].init;
	switch (r.kind) {
	case PIOTRAP_PORT_LATCH:
		if (*val && !parse_hex(val, 0xff, &init))
			return false;
		r.init = init;
		break;
	case PIOTRAP_PORT_INPUT:
		if (!*val)
			return false;
		r.path = val;
		break;
	default:
		if (*val)
			return false;
		break;
	}
	*rule = r;
	return true;
}
