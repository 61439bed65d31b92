/* funnel.c -- the way a customer goes: segments, which people work in, and their stages.
 *
 *	GET  /v1/funnel    all of it, in order
 *	PUT  /v1/funnel    put another one in its place
 *
 * It is one document: what may be in it says sql/app/funnel.sql.
 */
#include "app.h"

#define HIDEABLE                                                                                   \
	"email phone website address city region postal_code country source value currency notes " \
	"tags custom contacts activities deals offers"

/* clang-format off */
static const struct param read[] = {
	{"if-none-match", IN_HEAD, AS_TAGS, .says = "304 when the entity-tag is still this."},
	{0}
};

static const struct param stage[] = {
	{"id",   IN_BODY, AS_TEXT, .must = true, .least = 1, .most = 40,  .says = "A small letter, then small letters, digits and _; unique in the funnel."},
	{"name", IN_BODY, AS_TEXT, .must = true, .least = 1, .most = 100, .says = "What people call it."},
	{0}
};

static const struct param segment[] = {
	{"id",     IN_BODY, AS_TEXT,   .must = true,  .least = 1, .most = 40,  .says = "A small letter, then small letters, digits and _; unique among the segments."},
	{"name",   IN_BODY, AS_TEXT,   .must = true,  .least = 1, .most = 100, .says = "What people call it."},
	{"rule",   IN_BODY, AS_WORD,   .solid = true, .words = "manual round_robin least_loaded", .says = "Who gets a customer that is handed over to it; left out, the one who is named: manual."},
	{"hides",  IN_BODY, AS_WORD,   .solid = true, .list = true, .items = 20, .words = HIDEABLE, .says = "Fields of a customer and kinds of children that the people of other segments do not get of what was worked on here; left out: none."},
	{"stages", IN_BODY, AS_OBJECT, .must = true,  .list = true, .items = 50, .members = stage,  .says = "Its stages in order, at least one."},
	{0}
};

static const struct param change[] = {
	{"if-match", IN_HEAD, AS_TAGS,   .must = true, .says = "The entity-tag that you read."},
	{"segments", IN_BODY, AS_OBJECT, .must = true, .list = true, .items = 20, .members = segment, .says = "All segments in order, at least one."},
	{0}
};

static const struct route routes[] = {
	{GET, "/v1/funnel", "funnel_get",    read,   reply_row, 200, .says = "Shows the funnel: its segments and their stages, in order."},
	{PUT, "/v1/funnel", "funnel_change", change, reply_row, 200, .says = "Puts another funnel in its place; 409 when that leaves out what customers or people are in."},
	{0}
};
/* clang-format on */

/* Counting a large org's customers takes longer than other requests. */
int
main(int argc, char **argv)
{
	return app_main(argc, argv,
	    &(struct app){.name = "funnel", .workers = 1, .timeout_ms = 12000, .routes = routes});
}
