// SPDX-License-Identifier: GPL-2.0
/*
 * Memory to read into and to write from
 */

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "mdu_bench.h"

static int compare_addresses(const void *a, const void *b)
{
	unsigned long pfn_a = page_to_pfn(*(struct page **)a);
	unsigned long pfn_b = page_to_pfn(*(struct page **)b);

	return pfn_a < pfn_b ? 1 : -1;
}

static int alloc_single_pages(struct page **pages, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i])
			goto free;
	}
	/*
	 * From the highest to the lowest, so that no page begins where the page
	 * before it ends, and nothing merges two pages into one segment.
	 */
	sort(pages, nr, sizeof(*pages), compare_addresses, NULL);
	return 0;

free:
	while (i--)
		__free_page(pages[i]);
	return -ENOMEM;
}

static int alloc_adjacent_pages(struct page **pages, size_t nr)
{
	struct page *first;
	size_t i;

	first = alloc_pages(GFP_KERNEL | __GFP_ZERO | __GFP_COMP,
			    get_order(nr << PAGE_SHIFT));
	if (!first)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		pages[i] = first + i;
	return 0;
}

/**
 * bench_alloc_pages() - allocate a buffer
 * @bytes: its size
 * @adjacent: make the pages one piece of memory; otherwise no page begins where
 *	      the page before it ends
 *
 * Return: an array of the pages, or NULL
 */
struct page **bench_alloc_pages(size_t bytes, bool adjacent)
{
	size_t nr = DIV_ROUND_UP(bytes, PAGE_SIZE);
	struct page **pages;
	int err;

	pages = kcalloc(nr, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	err = adjacent ? alloc_adjacent_pages(pages, nr) :
			 alloc_single_pages(pages, nr);
	if (err) {
		kfree(pages);
		return NULL;
	}
	return pages;
}

void bench_free_pages(struct page **pages, size_t bytes, bool adjacent)
{
	size_t nr = DIV_ROUND_UP(bytes, PAGE_SIZE);
	size_t i;

	if (!pages)
		return;
	if (adjacent) {
		__free_pages(pages[0], get_order(nr << PAGE_SHIFT));
	} else {
		for (i = 0; i < nr; i++)
			__free_page(pages[i]);
	}
	kfree(pages);
}
