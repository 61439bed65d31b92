/* sections.h -- the sections of the handover page, each from the whole document.  For handover.c. */
#ifndef SECTIONS_H
#define SECTIONS_H

#include "page.h"

void handover_offers(struct page *p, const json_t *doc);
void handover_deals(struct page *p, const json_t *doc);
void handover_steps(struct page *p, const json_t *doc);
void handover_conversations(struct page *p, const json_t *doc);
void handover_owners(struct page *p, const json_t *doc);
void handover_changes(struct page *p, const json_t *doc);

#endif
