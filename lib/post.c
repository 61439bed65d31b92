/* post.c -- sends what leaves the house: webhooks and mail. */
#include "post.h"
#include "address.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_MS  5000L
#define TOTAL_MS    10000L
#define BODY_MOST   4096  /* of an answer */
#define HEADER_MOST 16384 /* libcurl keeps them all otherwise, as long as they come */

struct sending {
	struct post *post;
	CURL *curl;
	struct curl_slist *heads, *to;
	size_t given, headers, body; /* bytes that went and came */
	bool refused, tried;         /* addresses that were too close to home, and others */
};

/* What libcurl calls it, and what we do; the rest is "failed". */
static const struct {
	CURLcode code;
	const char *error;
} errors[] = {
    {CURLE_OPERATION_TIMEDOUT, "timed_out"},
    {CURLE_COULDNT_RESOLVE_HOST, "no_address"},
    {CURLE_COULDNT_CONNECT, "no_connection"},
    {CURLE_GOT_NOTHING, "no_answer"},
    {CURLE_RECV_ERROR, "no_answer"},
    {CURLE_SEND_ERROR, "no_answer"},
    {CURLE_URL_MALFORMAT, "bad_url"},
    {CURLE_UNSUPPORTED_PROTOCOL, "bad_url"},
    {CURLE_PEER_FAILED_VERIFICATION, "tls_failed"},
    {CURLE_SSL_CONNECT_ERROR, "tls_failed"},
    {CURLE_LOGIN_DENIED, "login_denied"},
    {CURLE_OK, NULL},
};

/* The address of the very connection: a name that means another one the next time is no way around. */
static curl_socket_t
open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct sending *s = self;

	(void)purpose;
	if (!s->post->anywhere && !address_public(&to->addr)) {
		s->refused = true;
		return CURL_SOCKET_BAD;
	}
	s->tried = true;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t
hear_header(char *bytes, size_t size, size_t n, void *self)
{
	struct sending *s = self;

	(void)bytes;
	s->headers += size * n;
	return s->headers <= HEADER_MOST ? size * n : 0;
}

static size_t
hear_body(char *bytes, size_t size, size_t n, void *self)
{
	struct sending *s = self;

	(void)bytes;
	s->body += size * n;
	return s->body <= BODY_MOST ? size * n : 0;
}

static size_t
give(char *bytes, size_t size, size_t n, void *self)
{
	struct sending *s = self;
	size_t left = strlen(s->post->body + s->given);
	size_t length = left < size * n ? left : size * n;

	memcpy(bytes, s->post->body + s->given, length);
	s->given += length;
	return length;
}

/* A list with one more; as everywhere, without memory nothing goes on. */
static struct curl_slist *
with(struct curl_slist *list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(list, text);

	if (longer == NULL)
		abort();
	return longer;
}

static void
set_hook(struct sending *s)
{
	s->heads = with(NULL, "Content-Type: application/json");
	for (const char *const *head = s->post->heads; *head != NULL; head++)
		s->heads = with(s->heads, *head);
	curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(s->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(s->curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "Holdfast");
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->heads);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, s->post->body);
}

/* smtp:// takes what encryption the server offers, without asking for its name: whoever could forge that could as well
 * keep the offer back.  smtps:// is verified. */
static void
set_mail(struct sending *s)
{
	bool verified = strncmp(s->post->url, "smtps:", 6) == 0;

	s->to = with(NULL, s->post->to);
	curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(s->curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
	curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYPEER, verified ? 1L : 0L);
	curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYHOST, verified ? 2L : 0L);
	curl_easy_setopt(s->curl, CURLOPT_MAIL_FROM, s->post->from);
	curl_easy_setopt(s->curl, CURLOPT_MAIL_RCPT, s->to);
	curl_easy_setopt(s->curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(s->curl, CURLOPT_CRLF, 1L);
	curl_easy_setopt(s->curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(s->curl, CURLOPT_READDATA, s);
}

static void
set(struct sending *s)
{
	curl_easy_setopt(s->curl, CURLOPT_URL, s->post->url);
	curl_easy_setopt(s->curl, CURLOPT_PRIVATE, s);
	curl_easy_setopt(s->curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(
	    s->curl, CURLOPT_QUICK_EXIT, 1L); /* a look-up that hangs holds nobody up */
	curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, TOTAL_MS);
	/* A connection of one org is none of the next one's. */
	curl_easy_setopt(s->curl, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(s->curl, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(s->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(s->curl, CURLOPT_OPENSOCKETDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, hear_header);
	curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, s);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, hear_body);
	curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
	if (s->post->to != NULL)
		set_mail(s);
	else
		set_hook(s);
}

static const char *
word(const struct sending *s, CURLcode code)
{
	if (code == CURLE_OUT_OF_MEMORY)
		abort();
	/* Its status came, and more than that we do not want to know. */
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && s->body > BODY_MOST))
		return NULL;
	if (s->refused && !s->tried)
		return "private_address";
	if (s->post->to != NULL && s->post->status >= 400)
		return "mail_refused";
	for (size_t i = 0; errors[i].error != NULL; i++)
		if (errors[i].code == code)
			return errors[i].error;
	return "failed";
}

/* Takes the results of those that are through. */
static void
collect(CURLM *multi)
{
	int left;

	for (CURLMsg *m; (m = curl_multi_info_read(multi, &left)) != NULL;) {
		char *self = NULL;
		struct sending *s;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &self);
		s = (struct sending *)(void *)self;
		curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &s->post->status);
		s->post->error = word(s, m->data.result);
	}
}

void
post_all(struct post *posts, int n)
{
	static bool ready;
	struct sending *all = calloc(n > 0 ? (size_t)n : 1, sizeof *all);
	CURLM *multi;
	int running = n;

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		abort();
	ready = true;
	if (all == NULL || (multi = curl_multi_init()) == NULL)
		abort();
	for (int i = 0; i < n; i++) {
		if (posts[i].url == NULL)
			continue;
		all[i] = (struct sending){.post = &posts[i], .curl = curl_easy_init()};
		if (all[i].curl == NULL)
			abort();
		posts[i].error = "failed";
		set(&all[i]);
		if (curl_multi_add_handle(multi, all[i].curl) != CURLM_OK)
			abort();
	}
	while (running > 0 && curl_multi_perform(multi, &running) == CURLM_OK && running > 0)
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	collect(multi);
	for (int i = 0; i < n; i++) {
		if (all[i].curl == NULL)
			continue;
		curl_multi_remove_handle(multi, all[i].curl);
		curl_easy_cleanup(all[i].curl);
		curl_slist_free_all(all[i].heads);
		curl_slist_free_all(all[i].to);
	}
	curl_multi_cleanup(multi);
	free(all);
}
