/* SPDX-License-Identifier: GPL-2.0 */
/* What bpf-decide.c tells decide.bpf.c. */
#ifndef DECIDE_H
#define DECIDE_H

#include <linux/types.h>

#define DECIDE_SEEN	64

/**
 * struct decide_orders - what to answer
 * @sandbox: whose questions are answered
 * @stop_at: the question at which to ask for a stop, from 1; 0: none
 * @value: with @set: what to answer with
 * @flip: bits of the value to change
 * @action: enum piotrap_bpf_action, or any other number
 * @set: 1: answer with @value
 * @count: 1: answer with the number of the question, from 0
 * @stop: 1: ask for a stop once before each access
 * @garbage: 1: write at random to the whole record
 */
struct decide_orders {
	__u64 sandbox;
	__u64 stop_at;
	__u32 value;
	__u32 flip;
	__u8 action;
	__u8 set;
	__u8 count;
	__u8 stop;
	__u8 garbage;
	__u8 reserved[3];
};

#endif /* DECIDE_H */
