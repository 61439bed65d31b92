/* listen.c -- the listening socket, and giving up the rights that were needed for it. */
#include "listen.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 511
#define FILES   256

/* LeakSanitizer looks at its own process with ptrace, which needs a dumpable one. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(leak_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static bool
wrong(const char *event, const char *what)
{
	log_event(event, "what", what, "error", strerror(errno), NULL);
	return false;
}

bool
listen_is(int fd)
{
	int listens = 0;
	socklen_t size = sizeof(listens);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

/* The web server reaches us through the group of the folder. */
static bool
give_socket(const char *path, const char *user)
{
	const struct passwd *who = getpwnam(user);
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat status;

	if (who == NULL) {
		errno = EINVAL;
		return false;
	}
	memcpy(folder, path, strlen(path) + 1);
	return stat(dirname(folder), &status) == 0 && chown(path, who->pw_uid, status.st_gid) == 0;
}

static bool
bind_socket(struct listening *on, const struct conf *conf)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat status;
	mode_t mask;
	bool bound;

	if (conf->socket == NULL || strlen(conf->socket) >= sizeof(address.sun_path)) {
		errno = conf->socket ? ENAMETOOLONG : EDESTADDRREQ;
		return wrong("socket_failed", conf->socket);
	}
	memcpy(address.sun_path, conf->socket, strlen(conf->socket) + 1);
	if ((on->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return wrong("socket_failed", conf->socket);
	if (lstat(conf->socket, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(conf->socket);
	/* By the mask and not by chmod afterwards: there is no moment with wider rights. */
	mask = umask(0117);
	bound = bind(on->fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	umask(mask);
	if (!bound || lstat(conf->socket, &status) != 0)
		return wrong("socket_failed", conf->socket);
	on->path = conf->socket;
	on->device = status.st_dev;
	on->inode = status.st_ino;
	if (conf->user && geteuid() == 0 && !give_socket(conf->socket, conf->user))
		return wrong("socket_failed", conf->socket);
	return listen(on->fd, BACKLOG) == 0 || wrong("socket_failed", conf->socket);
}

bool
listen_open(struct listening *on, const struct conf *conf)
{
	int flags;

	*on = (struct listening){.fd = -1};
	if (listen_is(STDIN_FILENO))
		on->fd = STDIN_FILENO;
	else if (!bind_socket(on, conf))
		return false;
	/* Several workers wake up for one connection; all but one must not wait in accept. */
	flags = fcntl(on->fd, F_GETFL);
	return (flags >= 0 && fcntl(on->fd, F_SETFL, flags | O_NONBLOCK) == 0) ||
	       wrong("socket_failed", "O_NONBLOCK");
}

void
listen_close(struct listening *on)
{
	struct stat status;

	/* The next master may already have bound its own under this name. */
	if (on->path && lstat(on->path, &status) == 0 && status.st_dev == on->device &&
	    status.st_ino == on->inode)
		unlink(on->path);
	if (on->fd >= 0)
		close(on->fd);
	on->fd = -1;
}

static bool
become(const char *user)
{
	const struct passwd *who = getpwnam(user);

	if (who == NULL)
		return wrong("user_unknown", user);
	if (initgroups(user, who->pw_gid) != 0 || setgid(who->pw_gid) != 0 ||
	    setuid(who->pw_uid) != 0)
		return wrong("user_failed", user);
	if (who->pw_uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		return wrong("user_failed", user);
	}
	return true;
}

bool
listen_settle(const struct conf *conf)
{
	const struct rlimit files = {FILES, FILES};
	const struct rlimit none = {0, 0};

	if (conf->user && geteuid() == 0 && !become(conf->user))
		return false;
	/* A core has the session secrets and the data of customers in it. */
	return (setrlimit(RLIMIT_NOFILE, &files) == 0 && setrlimit(RLIMIT_CORE, &none) == 0 &&
		   (SANITIZED || prctl(PR_SET_DUMPABLE, 0) == 0)) ||
	       wrong("limits_failed", "rlimit");
}
