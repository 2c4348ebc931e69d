// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sample_filter.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAVE_AVX2_SELECT 1
#endif

size_t mrc_sample_select_plain(const struct mrc_sample_filter *filter,
			       const uint64_t *pages, size_t nr_pages,
			       uint64_t *ret_hashes)
{
	size_t nr = 0;
	size_t i;

	/* No branch that depends on a hash: none could be predicted. */
	for (i = 0; i < nr_pages; i++) {
		uint64_t hash = mrc_sample_hash(filter->salt, pages[i]);

		ret_hashes[nr] = hash;
		nr += (int64_t)hash <= filter->bound;
	}
	return nr;
}

#ifdef HAVE_AVX2_SELECT

#define LANES 4
#define BLOCK 64

#define TARGET_AVX2 __attribute__((target("avx2,bmi")))

/* AVX2 has only 32 x 32 bits; what exceeds 64 bits is left out. */
TARGET_AVX2 static inline __m256i mul64(__m256i x, uint64_t factor)
{
	const __m256i low = _mm256_set1_epi64x((long long)factor);
	const __m256i high = _mm256_set1_epi64x((long long)(factor >> 32));
	__m256i cross = _mm256_add_epi64(
		_mm256_mul_epu32(_mm256_srli_epi64(x, 32), low),
		_mm256_mul_epu32(x, high));

	return _mm256_add_epi64(_mm256_mul_epu32(x, low),
				_mm256_slli_epi64(cross, 32));
}

/* mrc_mix64() of four. */
TARGET_AVX2 static inline __m256i mix64(__m256i x)
{
	x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 33));
	x = mul64(x, UINT64_C(0xff51afd7ed558ccd));
	x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 33));
	x = mul64(x, UINT64_C(0xc4ceb9fe1a85ec53));
	return _mm256_xor_si256(x, _mm256_srli_epi64(x, 33));
}

TARGET_AVX2 static size_t select_avx2(const struct mrc_sample_filter *filter,
				      const uint64_t *pages, size_t nr_pages,
				      uint64_t *ret_hashes)
{
	const __m256i salt = _mm256_set1_epi64x((long long)filter->salt);
	const __m256i bound = _mm256_set1_epi64x(filter->bound);
	uint64_t hashes[BLOCK] __attribute__((aligned(32)));
	size_t nr = 0;
	size_t i;

	/* Compare all of a block, then visit those few that are in. */
	for (i = 0; i + BLOCK <= nr_pages; i += BLOCK) {
		uint64_t is_out = 0;
		uint64_t is_in;
		size_t j;

		for (j = 0; j < BLOCK; j += LANES) {
			__m256i page = _mm256_loadu_si256(
				(const __m256i *)(const void *)&pages[i + j]);
			__m256i hash = mix64(_mm256_add_epi64(page, salt));
			__m256i out = _mm256_cmpgt_epi64(hash, bound);

			_mm256_store_si256((__m256i *)(void *)&hashes[j], hash);
			is_out |= (uint64_t)(unsigned int)_mm256_movemask_pd(
					  _mm256_castsi256_pd(out))
				  << j;
		}
		for (is_in = ~is_out; is_in != 0; is_in &= is_in - 1)
			ret_hashes[nr++] = hashes[__builtin_ctzll(is_in)];
	}
	return nr + mrc_sample_select_plain(filter, pages + i, nr_pages - i,
					    ret_hashes + nr);
}

#endif

mrc_sample_select *mrc_sample_best_select(void)
{
#ifdef HAVE_AVX2_SELECT
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi"))
		return select_avx2;
#endif
	return mrc_sample_select_plain;
}
