/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TOOLS_WATCH_H
#define TOOLS_WATCH_H

#include "piotrap.h"
#include "trace.h"

/**
 * struct watches - the watches of a run
 * @before: by option, the access that was last about to be made
 */
struct watches {
	struct access before[MAX_STOPS];
};

/* Tell the module what to stop at. Return: a status. */
int watch_start(struct sandbox *sb, const struct options *o);

/*
 * After PIOTRAP_EXIT_WATCH: report what the guest is to be stopped after. Return: is
 * there anything? If not, it goes on.
 */
bool watch_hit(struct watches *ws, const struct machine *m, const struct options *o,
	       struct trace *t);

#endif /* TOOLS_WATCH_H */
