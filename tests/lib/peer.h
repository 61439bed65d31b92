/* peer.h -- raw FastCGI from the web server's side, whole and broken, for the tests. */
#ifndef PEER_H
#define PEER_H

#include "buf.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum record { BEGIN = 1, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

/* Where to speak to, and the memory of what it answers. */
struct peer {
	char path[64];
	struct arena *mem;
};

/* What a request is: names and values by turns, ended by NULL, and what goes on STDIN. */
struct ask {
	const char *const *params;
	const char *body;
	size_t length;
};

struct answer {
	int status; /* 0: no answer, or not a whole one */
	const char *head, *body;
	size_t length;
};

static inline int
peer_dial(const struct peer *p)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = 5};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, p->path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static inline void
peer_send(int fd, enum record type, const char *bytes, size_t length)
{
	do {
		size_t piece = length < 60000 ? length : 60000;
		unsigned char head[8] = {1, (unsigned char)type, 0, 1, (unsigned char)(piece >> 8),
		    (unsigned char)piece, 0, 0};

		/* Whoever has answered already no longer reads. */
		if (send(fd, head, sizeof(head), MSG_NOSIGNAL) < 0 ||
		    send(fd, bytes, piece, MSG_NOSIGNAL) < 0)
			return;
		bytes += piece;
		length -= piece;
	} while (length > 0);
}

/* Everything but the body. */
static inline void
peer_start(const struct peer *p, int fd, const char *const *params)
{
	struct buf out = {.mem = p->mem};

	peer_send(fd, BEGIN, "\0\1\0\0\0\0\0\0", 8);
	for (; *params; params += 2)
		for (int i = 0; i < 2; i++) {
			size_t n = strlen(params[i]), m = strlen(params[1]);

			if (i == 0)
				buf_print(&out, "%c%c%c%c%c", (char)n, (char)(0x80 | m >> 24),
				    (char)(m >> 16), (char)(m >> 8), (char)m);
			buf_bytes(&out, params[i], n);
		}
	peer_send(fd, PARAMS, out.bytes, out.length);
	peer_send(fd, PARAMS, "", 0);
}

static inline struct answer
peer_hear(const struct peer *p, int fd)
{
	struct answer a = {0};
	struct buf in = {.mem = p->mem}, text = {.mem = p->mem};
	char piece[8192];
	ssize_t got;
	bool whole = false;

	while ((got = read(fd, piece, sizeof(piece))) > 0)
		buf_bytes(&in, piece, (size_t)got);
	close(fd);
	for (size_t at = 0; at + 8 <= in.length;) {
		const unsigned char *h = (const unsigned char *)in.bytes + at;
		size_t length = (size_t)(h[4] << 8 | h[5]);

		if (h[1] == STDOUT)
			buf_bytes(&text, in.bytes + at + 8, length);
		whole = whole || h[1] == END;
		at += 8 + length + h[6];
	}
	if (whole && text.bytes && sscanf(text.bytes, "Status: %d ", &a.status) == 1) {
		a.head = text.bytes;
		a.body = strstr(text.bytes, "\r\n\r\n") + 4;
		a.length = text.length - (size_t)(a.body - a.head);
	}
	return a;
}

static inline struct answer
peer_ask(const struct peer *p, const struct ask *ask)
{
	int fd = peer_dial(p);

	if (fd < 0)
		return (struct answer){0};
	peer_start(p, fd, ask->params);
	if (ask->length > 0)
		peer_send(fd, STDIN, ask->body, ask->length);
	peer_send(fd, STDIN, "", 0);
	return peer_hear(p, fd);
}

#endif
