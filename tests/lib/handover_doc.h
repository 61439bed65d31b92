/* handover_doc.h -- a handover document in full, and one of a customer that nobody knows, as SQL sends them;
 * and the page that is made of one. */
#ifndef HANDOVER_DOC_H
#define HANDOVER_DOC_H

#include "handover.h"
#include "says.h"

#include <string.h>

#define RITA    "{\"id\":\"5a1e0000-0000-7000-8000-000000000001\",\"name\":\"Rita Rep\"}"
#define NINA    "{\"id\":\"5a1e0000-0000-7000-8000-000000000002\",\"name\":\"Nina Rep\"}"
#define CONTACT "{\"id\":\"c0000000-0000-7000-8000-000000000001\",\"name\":\"Berta Buyer\"}"

/* clang-format off */
static const char full_first[] = "{"
"\"generated_at\":\"2026-11-22T14:03:59.123456+00:00\",\"generated_for\":{\"id\":\"5a1e0000-0000-7000-8000-000000000009\",\"name\":\"Omar Rep\"},"
"\"classification\":\"Acme - trade secret\",\"zip\":[1,{\"of\":\"the future\"}],"
"\"customer\":{\"id\":\"0190c7a2-0000-7000-8000-00000000000a\",\"name\":\"Bolt & Nut\",\"email\":\"b****@b***.test\",\"phone\":\"030 5551\","
"\"phone_e164\":\"+49305551\",\"website\":\"https://bolt.test\",\"address\":\"Street 1\\nYard\",\"city\":\"Berlin\",\"region\":null,\"postal_code\":\"10115\","
"\"country\":\"DE\",\"source\":\"fair\",\"stage\":\"proposal\",\"segment\":\"negotiation\",\"owner_id\":\"5a1e0000-0000-7000-8000-000000000002\","
"\"value\":123456789,\"currency\":\"EUR\",\"notes\":\"Decides in May.\\r\\nWants <two> offers.\",\"tags\":[\"key\",\"d\\u00e4nisch\"],"
"\"custom\":{\"seats\":2.50,\"big\":12345678901234567890123,\"vip\":true,\"nested\":{\"a\":[1,null],\"b\":{}}},"
"\"version\":7,\"created_at\":\"2025-01-02T03:04:05.000000Z\",\"updated_at\":\"2026-11-20T08:00:00.000000Z\",\"archived_at\":null,\"masked\":[\"email\",\"region\"]},"
"\"standing\":{\"stage\":\"proposal\",\"stage_name\":\"Proposal\",\"segment\":\"negotiation\",\"segment_name\":\"Negotiation\",\"since\":\"2026-11-01T10:00:00Z\",\"owner\":" NINA "},"
"\"contacts\":[{\"id\":\"c0000000-0000-7000-8000-000000000001\",\"name\":\"Berta Buyer\",\"title\":\"Head\",\"email\":\"berta@bolt.test\",\"phone\":\"+49305552\","
"\"phone_e164\":\"+49305552\",\"is_primary\":true,\"notes\":\"Likes tea.\",\"masked\":[],"
"\"proven\":{\"email\":{\"at\":\"2026-11-10T09:00:00Z\",\"activity_id\":\"a0000000-0000-7000-8000-000000000001\"},\"phone\":null}},"
"{\"id\":\"c0000000-0000-7000-8000-000000000002\",\"name\":\"Carl Clerk\",\"title\":null,\"email\":null,\"phone\":null,\"phone_e164\":null,"
"\"is_primary\":false,\"notes\":null,\"masked\":[\"phone\"],\"proven\":{\"email\":null,\"phone\":null}}],"
"\"deals\":[{\"id\":\"d0000000-0000-7000-8000-000000000001\",\"title\":\"Bolts 2027\",\"stage\":\"proposal\",\"amount\":500000,\"currency\":\"JPY\","
"\"expected_close\":\"2027-03-31\",\"status\":\"open\",\"reason\":null,\"closed_at\":null,\"notes\":null}],"
"\"offers\":[{\"id\":\"0f000000-0000-7000-8000-000000000002\",\"number\":\"2026-0001\",\"revision\":2,\"title\":\"Bolts\",\"currency\":\"EUR\","
"\"lines\":[{\"description\":\"Bolt M8\",\"quantity\":2.5000,\"unit_price\":199,\"discount\":10.00,\"tax\":19},"
"{\"description\":\"Nut\",\"quantity\":1000000,\"unit_price\":1000000000000,\"discount\":0,\"tax\":7.5}],"
"\"net\":448,\"tax\":85,\"gross\":533,\"status\":\"sent\",\"valid_until\":\"2026-12-31\",\"sent_at\":\"2026-11-12T12:00:00Z\",\"decided_at\":null,\"reason\":null,"
"\"valid_from\":\"2026-11-12T12:00:00Z\",\"valid_to\":null,\"promised_by\":" RITA "},"
"{\"id\":\"0f000000-0000-7000-8000-000000000001\",\"number\":\"2026-0001\",\"revision\":1,\"title\":null,\"currency\":\"BHD\",\"lines\":[],"
"\"net\":5,\"tax\":0,\"gross\":-1234567,\"status\":\"declined\",\"valid_until\":null,\"sent_at\":\"2026-11-11T12:00:00Z\",\"decided_at\":\"2026-11-12T08:00:00Z\","
"\"reason\":\"Too dear\",\"valid_from\":null,\"valid_to\":null,\"promised_by\":null}],"
"\"open_offers\":[\"0f000000-0000-7000-8000-000000000002\"],";
static const char full_rest[] =
"\"next_steps\":[{\"activity_id\":\"a0000000-0000-7000-8000-000000000001\",\"what\":\"Send samples\",\"due_at\":\"2026-11-20T16:00:00Z\",\"overdue\":true,"
"\"promised_by\":" RITA ",\"contact\":" CONTACT ",\"since\":\"2026-11-10T09:00:00Z\"},"
"{\"activity_id\":\"a0000000-0000-7000-8000-000000000002\",\"what\":\"Call again\",\"due_at\":null,\"overdue\":false,\"promised_by\":null,\"contact\":null,\"since\":\"2026-11-11T09:00:00Z\"}],"
"\"conversations\":[{\"id\":\"a0000000-0000-7000-8000-000000000001\",\"kind\":\"call\",\"direction\":\"in\",\"subject\":\"Delivery\",\"body\":\"First line\\nSecond line\","
"\"outcome\":\"agreed\",\"at\":\"2026-11-10T09:00:00.5Z\",\"author\":" RITA ",\"contact\":" CONTACT ",\"backdated\":true},"
"{\"id\":\"a0000000-0000-7000-8000-000000000002\",\"kind\":\"email\",\"direction\":\"out\",\"subject\":null,\"body\":null,\"outcome\":null,"
"\"at\":\"2026-11-09T09:00:00+02:00\",\"author\":null,\"contact\":null,\"backdated\":false}],\"conversation_count\":134,"
"\"owners\":[{\"owner\":" NINA ",\"from\":\"2026-11-01T10:00:00Z\",\"to\":null},{\"owner\":null,\"from\":\"2026-10-01T10:00:00Z\",\"to\":\"2026-11-01T10:00:00Z\"}],"
"\"changes\":[{\"entity\":\"customer\",\"record_id\":\"0190c7a2-0000-7000-8000-00000000000a\",\"field\":\"tags\",\"old\":null,\"new\":[\"key\",\"d\\u00e4nisch\"],"
"\"actor_name\":\"Rita Rep\",\"at\":\"2026-11-20T08:00:00Z\",\"via\":\"api\"},"
"{\"entity\":\"customer\",\"record_id\":\"0190c7a2-0000-7000-8000-00000000000a\",\"field\":null,\"old\":{},\"new\":\"\",\"actor_name\":null,\"at\":\"2026-11-19T08:00:00Z\",\"via\":null}],"
"\"completeness\":{\"score\":72,\"missing\":[{\"code\":\"no_phone\",\"points\":20,\"says\":\"No phone number is proven.\"},{\"code\":\"no_title\",\"points\":8,\"says\":null}]}}";

static const char empty_document[] = "{"
"\"generated_at\":\"2026-11-22T14:03:00Z\",\"generated_for\":{\"id\":\"5a1e0000-0000-7000-8000-000000000009\",\"name\":\"Omar Rep\"},\"classification\":\"internal\","
"\"customer\":{\"id\":\"0190c7a2-0000-7000-8000-00000000000a\",\"name\":\"Nobody\",\"email\":null,\"value\":null,\"currency\":null,\"tags\":[],\"custom\":{},\"version\":1,"
"\"created_at\":\"2026-11-22T14:00:00Z\",\"updated_at\":\"2026-11-22T14:00:00Z\",\"archived_at\":null,\"masked\":[]},"
"\"standing\":{\"stage\":\"new\",\"stage_name\":null,\"segment\":\"prospecting\",\"segment_name\":null,\"since\":null,\"owner\":null},"
"\"contacts\":[],\"deals\":[],\"offers\":[],\"open_offers\":[],\"next_steps\":[],\"conversations\":[],\"conversation_count\":0,\"owners\":[],\"changes\":[],"
"\"completeness\":{\"score\":100,\"missing\":[]}}";
/* clang-format on */

static inline const char *
full_document(void)
{
	return arena_print(r.mem, "%s%s", full_first, full_rest);
}

static inline const char *
page(const char *json)
{
	r = (struct req){.mem = r.mem, .status = 200, .id = "a0", .type = "application/json"};
	r.out.mem = r.mem;
	buf_text(&r.out, json);
	handover_page(&r);
	assert_null(r.fault);
	assert_string_equal(r.type, "text/html; charset=utf-8");
	assert_int_equal(r.status, 200);
	assert_int_equal(strlen(r.out.bytes), r.out.length);
	return r.out.bytes;
}

static inline void
has(const char *html, const char *what)
{
	if (strstr(html, what) == NULL)
		fail_msg("missing: %s", what);
}

#endif
