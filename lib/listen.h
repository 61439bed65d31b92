/* listen.h -- the listening socket, and giving up the rights that were needed for it. */
#ifndef LISTEN_H
#define LISTEN_H

#include "conf.h"

#include <sys/types.h>

/* The socket to accept on, and the file that we bound it to. */
struct listening {
	int fd;
	const char *path; /* NULL when the socket came as fd 0 */
	dev_t device;
	ino_t inode;
};

/* Whether fd is a socket that listens. */
bool listen_is(int fd);

/* Takes fd 0 where it listens, else binds conf->socket (0660, a stale one is removed first).  The
 * socket does not block.  Logs what is wrong and returns false. */
bool listen_open(struct listening *on, const struct conf *conf);

/* Closes it, and removes the file if it is still the one that listen_open made. */
void listen_close(struct listening *on);

/* Becomes conf->user when started as root, and lowers the limits that no worker needs.  Logs what
 * is wrong and returns false. */
bool listen_settle(const struct conf *conf);

#endif
