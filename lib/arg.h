/* arg.h -- one named argument of an api function. */
#ifndef ARG_H
#define ARG_H

struct arg {
	const char *name;
	const char *value; /* as PostgreSQL text, NULL is null; borrowed until the call is over */
};

#endif
