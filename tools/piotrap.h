/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the piotrap command share. */
#ifndef TOOLS_PIOTRAP_H
#define TOOLS_PIOTRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sandbox.h"

/* Exit codes; documented in piotrap(1). */
enum status {
	STATUS_OK = 0,
	STATUS_ERROR = 1,	/* the system refused something */
	STATUS_USAGE = 2,
	STATUS_NO_MODULE = 10,
	STATUS_NO_PERMISSION = 11,
	STATUS_FILE = 12,	/* missing, or not what it should be */
	STATUS_UNSUPPORTED = 20,
	STATUS_EXCEPTION = 21,	/* or shutdown */
	STATUS_BUDGET = 22,
	STATUS_MEMORY = 23,	/* an access outside memory */
	STATUS_HALTED = 24,	/* a ROM that halts and so never returns */
	STATUS_NO_BREAK = 25,	/* the guest ended before it was to be stopped */
	STATUS_INTERRUPTED = 130,
};

#define MAX_STOPS	16	/* --break and --watch: two watches each */
#define MAX_DRS		4	/* DR0 to DR3 */
#define MAX_RULES	64

/**
 * struct io_dr - one --dr
 * @port: port
 * @dirs: bit PIOTRAP_READ, bit PIOTRAP_WRITE
 * @nth: stop on this match, from 1
 * @seen: matches so far
 */
struct io_dr {
	uint16_t port;
	unsigned int dirs;
	uint64_t nth;
	uint64_t seen;
};

/**
 * struct port_rule - one --port or --console
 * @first: first port
 * @count: ports
 * @kind: what they are
 * @init: latch: value at first
 * @path: input: name of the file
 * @file: input: open file
 * @ended: input: nothing more is in the file
 */
struct port_rule {
	unsigned int first;
	unsigned int count;
	enum piotrap_port_kind kind;
	unsigned int init;
	const char *path;
	FILE *file;
	bool ended;
};

struct options {
	const char *device;
	const char *file;
	const char *output;
	bool trace;
	bool step;
	bool stats;
	bool json;
	unsigned int nr_stops;
	struct piotrap_watch stops[MAX_STOPS];	/* --break, --watch: after what */
	unsigned int nr_drs;
	struct io_dr drs[MAX_DRS];
	unsigned int nr_rules;
	struct port_rule rules[MAX_RULES];
	uint64_t budget;	/* 0: no limit */
	int cpu;		/* enum piotrap_cpuid_preset; -1: the module's */
	uint64_t mem;		/* run, bios; 0: what is usual */
	unsigned int mode;	/* run: 16, 32 or 64 */
	const char *org;	/* run */
	uint16_t seg;		/* run, mode 16 */
	uint16_t off;		/* run, mode 16 */
	uint64_t entry;		/* run, modes 32 and 64 */
	uint16_t ax;		/* rom */
	bool read_only;		/* rom, bios */
};

/* parse.c: each returns whether @s is right; nothing is written if not. */
bool parse_hex(const char *s, uint64_t max, uint64_t *val);
bool parse_count(const char *s, uint64_t *val);
bool parse_size(const char *s, uint64_t *val);
bool parse_mode(const char *s, unsigned int *mode);
bool parse_cpu(const char *s, int *preset);
bool parse_address(const char *s, uint16_t *seg, uint16_t *off);
bool parse_bdf(const char *s, uint16_t *ax);
bool parse_break(const char *s, struct piotrap_watch *w);
bool parse_watch(const char *s, struct piotrap_watch *w);
bool parse_dr(const char *s, struct io_dr *dr);
/* @s must stay: @rule->path points into it. */
bool parse_rule(const char *s, struct port_rule *rule);

/* main.c */
int complain(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * struct machine - a PC without devices
 * @sb: sandbox
 * @mem: memory from physical address 0 on
 * @size: bytes of it that the guest has
 * @rom: what ends at 4 GiB, or NULL
 * @rom_len: bytes of it
 */
struct machine {
	struct sandbox sb;
	uint8_t *mem;
	uint64_t size;
	uint8_t *rom;
	uint64_t rom_len;
};

#define MB			0x100000ULL
#define REAL_MODE_SIZE		(MB + 0x10000)	/* all that FFFF:FFFF reaches */
#define PAGE			0x1000ULL

/* The BIOS of run and rom is one page of ROM that holds two stubs. */
#define BIOS_PAGE		0xff000ULL
#define BIOS_SEG		0xf000
#define BIOS_IRET		0xff53		/* where PCs have theirs */
#define BIOS_RETURN		0xff54		/* HLT: a far call has returned */

/* machine.c: each returns a status */
int machine_open(struct machine *m, const struct options *o, uint64_t size);
int machine_add(struct machine *m, enum piotrap_region_kind kind, uint64_t from,
		uint64_t to, uint8_t *mem);
int machine_real(struct machine *m, uint64_t rom, uint64_t rom_len);
int machine_load(const char *path, uint8_t *mem, size_t max, size_t *len);
void machine_close(struct machine *m);

/* linear.c: memory as the guest has it now */
/* @len bytes at a physical address, or NULL: there is no memory of ours. */
const uint8_t *machine_at(const struct machine *m, uint64_t phys, size_t len);
/* Return: false where no page is mapped. */
bool machine_linear(const struct machine *m, uint64_t linear, uint64_t *phys);
/* Return: bytes read, fewer than @len where there are no more. */
size_t machine_read(const struct machine *m, uint64_t linear, void *buf,
		    size_t len);
/* The width of the code that CS holds: 16, 32 or 64. */
unsigned int machine_bits(const struct machine *m);

/* flat.c */
#define FLAT_LOW		0x10000ULL	/* tables are below */
#define FLAT_ENTRY		MB
#define FLAT_SIZE		(4 * MB)

/* CPU and tables for 32- or 64-bit code, with the stack below @entry. */
void flat_enter(struct machine *m, unsigned int mode, uint64_t entry);

/* How the guest may end well. */
enum guest_end { END_HALT, END_RETURN };

/* guest.c */
int guest_run(struct machine *m, struct options *o, enum guest_end end);

/* bios.c, rom.c, run.c: the subcommands */
/* Return: what is wrong with it, or NULL. */
const char *bios_check(size_t len);
const char *rom_check(const uint8_t *rom, size_t len, size_t *size);
int bios_main(struct options *o);
int rom_main(struct options *o);
int run_main(struct options *o);

#endif /* TOOLS_PIOTRAP_H */
