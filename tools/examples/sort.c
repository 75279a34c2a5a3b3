// SPDX-License-Identifier: GPL-2.0
/* Quicksort by a comparison that is handed in: of numbers, and of words. */

#include "print.h"

#define NUMBERS	500

static const char text[] =
	"an out goes out to a port and an in comes in and if no one is there what comes in is ones";

struct word {
	const char *at;
	uint32_t len;
	uint32_t count;
};

typedef int (*compare_fn)(const void *a, const void *b);

static void swap(uint8_t *a, uint8_t *b, uint32_t size)
{
	while (size--) {
		uint8_t t = a[size];

		a[size] = b[size];
		b[size] = t;
	}
}

static void sort(void *array, uint32_t n, uint32_t size, compare_fn compare)
{
	uint8_t *first = array, *middle = first;

	if (n < 2)
		return;
	swap(first, first + n / 2 * size, size);
	for (uint32_t i = 1; i < n; i++)
		if (compare(first + i * size, first) < 0) {
			middle += size;
			swap(middle, first + i * size, size);
		}
	swap(first, middle, size);
	sort(first, (middle - first) / size, size, compare);
	sort(middle + size, n - 1 - (middle - first) / size, size, compare);
}

static int by_value(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int by_spelling(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int order = memcmp(x->at, y->at, x->len < y->len ? x->len : y->len);

	return order ? order : (int)x->len - (int)y->len;
}

static int by_count(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	return x->count != y->count ? (int)y->count - (int)x->count :
				      by_spelling(a, b);
}

static void numbers(void)
{
	static int64_t v[NUMBERS];
	uint64_t x = 88172645463325252ULL;
	uint32_t wrong = 0;

	for (int i = 0; i < NUMBERS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v[i] = (int64_t)x >> (x & 31);
	}
	sort(v, NUMBERS, sizeof(v[0]), by_value);
	for (int i = 1; i < NUMBERS; i++)
		wrong += v[i] < v[i - 1];
	print_number(NUMBERS);
	print(" numbers, ");
	print_number(wrong);
	print(" out of order, in the middle ");
	print_hex((uint64_t)v[NUMBERS / 2] >> 32, 8);
	print_hex(v[NUMBERS / 2], 8);
	print("\n");
}

static void words(void)
{
	struct word w[64];
	uint32_t n = 0, kinds = 1;

	for (const char *s = text; *s; s += *s == ' ') {
		w[n].at = s;
		w[n].count = 1;
		while (*s && *s != ' ')
			s++;
		w[n].len = s - w[n].at;
		n++;
	}
	sort(w, n, sizeof(w[0]), by_spelling);
	for (uint32_t i = 1; i < n; i++) {
		if (!by_spelling(&w[i], &w[kinds - 1]))
			w[kinds - 1].count++;
		else
			w[kinds++] = w[i];
	}
	sort(w, kinds, sizeof(w[0]), by_count);
	for (uint32_t i = 0; i < kinds; i++) {
		print_number(w[i].count);
		print_char(' ');
		while (w[i].len--)
			print_char(*w[i].at++);
		print_char('\n');
	}
}

int main(void)
{
	numbers();
	words();
	return 0;
}
