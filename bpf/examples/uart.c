// SPDX-License-Identifier: GPL-2.0
/*
 * A device in BPF: a sandbox whose serial port is uart.bpf.c, and in it a driver that
 * sends a text by polling. Prints what the device was sent, and how often it was asked.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <linux/piotrap.h>

#include "uart.h"
#include "uart.skel.h"

#define BASE		0x3f8
#define MEMORY		0x10000
#define CODE		0x1000
#define TEXT		0x2000
#define TEXT_MAX	(MEMORY - TEXT - 1)

static const uint8_t driver[] = {
	0xfc,				/*	cld */
	0xbe, TEXT & 0xff, TEXT >> 8,	/*	mov si, TEXT */
	0xac,				/* 1:	lodsb */
	0x84, 0xc0,			/*	test al, al */
	0x74, 0x11,			/*	jz 3f */
	0x88, 0xc4,			/*	mov ah, al */
	0xba, 0xfd, 0x03,		/*	mov dx, BASE + UART_LSR */
	0xec,				/* 2:	in al, dx */
	0xa8, 0x20,			/*	test al, 20h */
	0x74, 0xfb,			/*	jz 2b */
	0xb2, 0xf8,			/*	mov dl, BASE & 0xff */
	0x88, 0xe0,			/*	mov al, ah */
	0xee,				/*	out dx, al */
	0xeb, 0xea,			/*	jmp 1b */
	0xf4,				/* 3:	hlt */
};

static struct {
	uint32_t polls;
	const char *text;
} opts = { .polls = 3, .text = "Hello from a device in BPF.\n" };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	unsigned long n;
	char *end;

	switch (key) {
	case 'n':
		errno = 0;
		n = strtoul(arg, &end, 0);
		if (errno || end == arg || *end || *arg == '-' || n > UINT32_MAX)
			argp_error(state, "not a number of polls: %s", arg);
		opts.polls = n;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			argp_usage(state);
		if (strlen(arg) > TEXT_MAX)
			argp_error(state, "the text is too long");
		opts.text = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = (const struct argp_option[]){
		{ "polls", 'n', "N", 0, "polls that find it busy after each byte (3)", 0 },
		{ 0 }
	},
	.parser = parse,
	.args_doc = "[TEXT]",
	.doc = "Send TEXT through a serial port that is a BPF program.",
};

static void failed(const char *what)
{
	fprintf(stderr, "uart: %s: %s\n", what, strerror(errno));
}

/* A sandbox that is about to run the driver. Return: its file, or -1. */
static int open_sandbox(struct piotrap_run **page, uint8_t *memory, uint64_t *id)
{
	struct piotrap_config config = {
		.size = sizeof(config), .flags = PIOTRAP_CONFIG_BPF,
		.exit_exceptions = ~0U,
	};
	struct piotrap_region region = {
		.size = sizeof(region), .kind = PIOTRAP_REGION_RAM, .len = MEMORY,
		.addr = (uintptr_t)memory,
	};
	struct piotrap_ports ports = {
		.size = sizeof(ports), .kind = PIOTRAP_PORT_BPF, .first = BASE,
		.count = UART_PORTS,
	};
	struct piotrap_info info = { .size = sizeof(info) };
	struct piotrap_run *run;
	int fd;

	fd = open("/dev/piotrap", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		failed("/dev/piotrap");
		return -1;
	}
	memset(config.exit_ints, 0xff, sizeof(config.exit_ints));
	run = mmap(NULL, PIOTRAP_MMAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run == MAP_FAILED || ioctl(fd, PIOTRAP_INFO, &info) ||
	    ioctl(fd, PIOTRAP_CONFIG, &config) ||
	    ioctl(fd, PIOTRAP_SET_REGION, &region) ||
	    ioctl(fd, PIOTRAP_SET_PORTS, &ports)) {
		failed("/dev/piotrap");
		close(fd);
		return -1;
	}
	memcpy(memory + CODE, driver, sizeof(driver));
	strcpy((char *)memory + TEXT, opts.text);
	run->segs.cs.base = 0;
	run->segs.cs.selector = 0;
	run->regs.rip = CODE;
	run->dirty = PIOTRAP_GROUP_SEGS | PIOTRAP_GROUP_REGS;
	*page = run;
	*id = info.sandbox_id;
	return fd;
}

static int print_byte(void *ctx, void *data, size_t size)
{
	(void)ctx;
	fwrite(data, 1, size, stdout);
	return 0;
}

/* Run the driver to its HLT, and print what it has sent. */
static int run_driver(int fd, const struct piotrap_run *run, struct ring_buffer *sent)
{
	struct piotrap_run_args args = { .size = sizeof(args) };

	do {
		if (ioctl(fd, PIOTRAP_RUN, &args)) {
			failed("PIOTRAP_RUN");
			return -1;
		}
		ring_buffer__consume(sent);
	} while (run->exit_reason == PIOTRAP_EXIT_SIGNAL);
	if (run->exit_reason == PIOTRAP_EXIT_HLT)
		return 0;
	fprintf(stderr, "uart: the driver stopped with reason %u at %llx\n",
		run->exit_reason, (unsigned long long)run->regs.rip);
	return -1;
}

int main(int argc, char **argv)
{
	static _Alignas(4096) uint8_t memory[MEMORY];
	struct ring_buffer *sent = NULL;
	struct piotrap_run *run;
	struct uart *device;
	uint64_t id;
	int fd, err = -1;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	fd = open_sandbox(&run, memory, &id);
	if (fd < 0)
		return 1;
	device = uart__open();
	if (!device)
		goto out;
	device->rodata->sandbox = id;
	device->rodata->base = BASE;
	device->rodata->polls = opts.polls;
	if (uart__load(device) || uart__attach(device)) {
		failed("the BPF program");
		goto out;
	}
	sent = ring_buffer__new(bpf_map__fd(device->maps.sent), print_byte, NULL, NULL);
	if (!sent) {
		failed("the ring buffer");
		goto out;
	}
	err = run_driver(fd, run, sent);
	fflush(stdout);
	fprintf(stderr, "%llu bytes, %llu polls, %llu lost\n", device->bss->count.bytes,
		device->bss->count.polls, device->bss->count.lost);
out:
	ring_buffer__free(sent);
	uart__destroy(device);
	close(fd);
	return err ? 1 : 0;
}
