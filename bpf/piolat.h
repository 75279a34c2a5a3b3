/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PIOLAT_H
#define PIOLAT_H

#include "hist.h"

/**
 * enum lat_kind - what is timed
 * @LAT_RUN: a run, from piotrap_run_enter to piotrap_run_exit
 * @LAT_EXIT: the owner, from piotrap_run_exit to the next piotrap_run_enter
 * @LAT_PREEMPT: the scheduler, from piotrap_preempt to piotrap_resume
 */
enum lat_kind { LAT_RUN, LAT_EXIT, LAT_PREEMPT };

/**
 * struct lat_key - which times are counted together; each has a struct hist
 * @kind: enum lat_kind
 * @reason: of a run's end and of an exit, else 0
 */
struct lat_key {
	__u32 kind;
	__u32 reason;
};

#endif /* PIOLAT_H */
