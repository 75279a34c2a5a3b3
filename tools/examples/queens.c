// SPDX-License-Identifier: GPL-2.0
/* Queens that do not attack one another, with a bit for each column. */

#include "print.h"

static uint32_t solutions;
static uint32_t column[8];

static void show(unsigned int size)
{
	for (unsigned int row = 0; row < size; row++) {
		for (unsigned int i = 0; i < size; i++)
			print(i == column[row] ? " Q" : " .");
		print("\n");
	}
}

static void place(unsigned int size, unsigned int row, uint32_t columns,
		  uint32_t left, uint32_t right)
{
	uint32_t free = ~(columns | left | right) & ((1U << size) - 1);

	if (row == size) {
		if (!solutions++)
			show(size);
		return;
	}
	for (; free; free &= free - 1) {
		uint32_t bit = free & -free;

		column[row] = __builtin_ctz(free);
		place(size, row + 1, columns | bit, (left | bit) << 1,
		      (right | bit) >> 1);
	}
}

int main(void)
{
	for (unsigned int size = 4; size <= 8; size++) {
		solutions = 0;
		print_number(size);
		print(" queens:\n");
		place(size, 0, 0, 0, 0);
		print_number(solutions);
		print(" ways\n");
	}
	return 0;
}
