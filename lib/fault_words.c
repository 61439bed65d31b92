/* fault_words.c -- another part of fault.h: what is usually said of a code. */
#include "fault.h"

#include <string.h>

/* The detail of a fault or of one error that comes without its own. */
/* clang-format off */
static const struct sentence {
	const char *code;
	const char *text;
} sentences[] = {
	{"already_exists",         "Something with this identity exists already."},
	{"busy",                   "Somebody else is changing the same data; try again."},
	{"conflict",               "The present state of the resource does not allow this."},
	{"exposure_budget_exceeded", "You have seen as much of the customer base as you may for now."},
	{"forbidden",              "You may not do this."},
	{"internal",               "The server failed; the instance names this request in its log."},
	{"invalid_cursor",         "This cursor does not belong to this list; start again without it."},
	{"invalid_value",          "A value is not allowed; errors names it where it is known."},
	{"malformed_request",      "The request is malformed."},
	{"method_not_allowed",     "This resource does not have this method; Allow lists those it has."},
	{"not_acceptable",         "The resource has no form that the Accept header takes."},
	{"not_found",              "There is no such resource, or you may not see it."},
	{"precondition_required",  "Send If-Match with the ETag of the version you saw."},
	{"rate_limited",           "Too many requests; wait for the seconds in Retry-After."},
	{"required",               "This member is required."},
	{"timed_out",              "The work took too long and was stopped; nothing was changed."},
	{"too_large",              "The request is larger than this resource takes."},
	{"unauthorized",           "A valid access token is needed."},
	{"unavailable",            "The service cannot answer now; try again."},
	{"unknown",                "There is no such member or parameter."},
	{"unknown_reference",      "What this refers to does not exist."},
	{"unsupported_media_type", "The resource does not take this Content-Type."},
	{"version_mismatch",       "Somebody changed the resource since you read it."},
	{0}
};
/* clang-format on */

const char *
fault_sentence(const char *code, const char *otherwise)
{
	const struct sentence *one = sentences;

	while (one->code != NULL && strcmp(one->code, code) != 0)
		one++;
	return one->code == NULL ? otherwise : one->text;
}

const char *
fault_detail(const struct fault *f)
{
	return f->detail != NULL ? f->detail : fault_sentence(f->code, "The request was refused.");
}
