/* cgi.h -- one request as CGI has it (RFC 3875): the environment becomes a struct req, the reply a
 * head and a body.  FastCGI and plain CGI differ only in the wire. */
#ifndef CGI_H
#define CGI_H

#include "fcgi.h"

/* How the bytes of one request come and go.  take reads exactly length bytes and says whether
 * they came, the last ones also whether that was the whole body; give writes length bytes. */
struct wire {
	void *self;
	bool (*take)(void *self, char *bytes, int length, bool last);
	bool (*give)(void *self, const char *bytes, int length);
	int client; /* r->client */
};

/* Reads one request, serves it and writes the reply.  r has its mem and nothing else.  Returns
 * false when the reply could not be written. */
bool cgi_serve(
    const struct fcgi *program, struct req *r, char *const *environment, const struct wire *wire);

/* Answers the one request that is in this process's environment and standard input; returns the
 * exit status. */
int cgi_run(const struct fcgi *program);

#endif
