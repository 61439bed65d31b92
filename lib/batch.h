/* batch.h -- what the tables of all batches have in common.  Each kind adds its own members. */
#ifndef BATCH_H
#define BATCH_H

#include "param.h"

/* clang-format off */
#define BATCH_NEW \
	{"op", IN_BODY, AS_WORD, .must = true, .words = "create", .says = "create: a new one, with the members of a POST."}

#define BATCH_CHANGED \
	{"op",       IN_BODY, AS_WORD, .must = true, .words = "change", .says = "change: one that is there, with the members of a PATCH."}, \
	{"id",       IN_BODY, AS_UUID, .must = true, .says = "Which one; each once in a batch."}, \
	{"if_match", IN_BODY, AS_TAGS, .must = true, .least = 1, .most = 200, .says = "The entity-tag that you read, as ETag has it, with its quotes; or *."}

#define BATCH(of) \
	{"idempotency-key", IN_HEAD, AS_RETRY, .sql = "retry", .says = "The same key and body does it once."}, \
	{"atomic", IN_BODY, AS_BOOL,   .solid = true, .says = "Whether all of it happens or nothing, which is so when it is left out; false: each item alone."}, \
	{"items",  IN_BODY, AS_OBJECT, .must = true, .list = true, .items = 200, .by = "op", .variants = of, .apart = "atomic", .says = "What to do, in this order."}
/* clang-format on */

#endif
