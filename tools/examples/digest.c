// SPDX-License-Identifier: GPL-2.0
/* SHA-256 and CRC-32, with their tables computed rather than written down. */

#include "print.h"

static uint32_t k[64], start[8], crc_table[256];

static uint32_t rotate(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

/*
 * The first 32 bits of the fraction of @p's square or cube root, bit by bit. Sums
 * are in units of 2^-32 and, where there is a third factor, 2^-64; what is below
 * is dropped: none of these roots is so near to a number of 32 bits.
 */
static uint32_t fraction(uint32_t p, int cube)
{
	uint32_t whole = 1, frac = 0;

	while ((cube ? (whole + 1) * (whole + 1) : whole + 1) * (whole + 1) <= p)
		whole++;
	for (uint32_t bit = 1U << 31; bit; bit >>= 1) {
		uint32_t f = frac | bit;
		uint64_t ff = (uint64_t)f * f;
		uint64_t sq = ((uint64_t)(whole * whole) << 32) +
			      2ULL * whole * f + (ff >> 32);
		uint64_t high = sq >> 32;

		if (cube) {
			uint64_t low = (sq & 0xffffffff) * f +
				       (ff & 0xffffffff) * whole;

			low = (low >> 32) + (sq & 0xffffffff) * whole +
			      high * f;
			high = high * whole + (low >> 32);
		}
		if (high < p)
			frac = f;
	}
	return frac;
}

static void make_tables(void)
{
	unsigned int n = 0;

	for (uint32_t p = 2; n < 64; p++) {
		uint32_t d = 2;

		while (d < p && p % d)
			d++;
		if (d < p)
			continue;
		if (n < 8)
			start[n] = fraction(p, 0);
		k[n++] = fraction(p, 1);
	}
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320 : 0);
		crc_table[i] = c;
	}
}

static void block(uint32_t *h, const uint8_t *data)
{
	uint32_t w[64], v[8];

	for (int i = 0; i < 16; i++) {
		memcpy(&w[i], data + i * 4, 4);
		w[i] = __builtin_bswap32(w[i]);
	}
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] +
		       (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
	memcpy(v, h, sizeof(v));
	for (int i = 0; i < 64; i++) {
		uint32_t a = v[0], e = v[4];
		uint32_t t = v[7] + k[i] + w[i] + ((e & v[5]) ^ (~e & v[6])) +
			     (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25));
		uint32_t u = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			     ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t;
		v[0] = t + u;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

static void sha256(const uint8_t *data, uint32_t len)
{
	uint32_t h[8], bits = __builtin_bswap32(len * 8);
	uint8_t last[128] = { 0 };
	uint32_t rest = len % 64, blocks = rest < 56 ? 1 : 2;

	memcpy(h, start, sizeof(h));
	for (uint32_t i = 0; i < len / 64; i++)
		block(h, data + i * 64);
	memcpy(last, data + len - rest, rest);
	last[rest] = 0x80;
	memcpy(last + blocks * 64 - 4, &bits, 4);
	for (uint32_t i = 0; i < blocks; i++)
		block(h, last + i * 64);
	for (int i = 0; i < 8; i++)
		print_hex(h[i], 8);
}

static uint32_t crc32(const uint8_t *data, uint32_t len)
{
	uint32_t c = ~0U;

	while (len--)
		c = crc_table[(c ^ *data++) & 0xff] ^ c >> 8;
	return ~c;
}

static void digest(const char *name, const uint8_t *data, uint32_t len)
{
	print(name);
	print(": crc32 ");
	print_hex(crc32(data, len), 8);
	print("\n  sha256 ");
	sha256(data, len);
	print("\n");
}

int main(void)
{
	static uint8_t bytes[1500];
	uint32_t x = 1;

	make_tables();
	digest("nothing", bytes, 0);
	digest("abc", (const uint8_t *)"abc", 3);
	digest("digits", (const uint8_t *)"123456789", 9);
	for (uint32_t i = 0; i < sizeof(bytes); i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = x >> 24;
	}
	digest("1500 bytes", bytes, sizeof(bytes));
	return 0;
}
