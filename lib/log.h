/* log.h -- one JSON line per event on stderr.
 *
 * Values are quoted with \u escapes for everything outside printable ASCII, so
 * a line cannot be forged.  Callers never pass tokens, passwords, query
 * strings or customer values. */
#ifndef LOG_H
#define LOG_H

/* Names the program in every line from now on; the text is borrowed for ever. */
void log_name(const char *program);

/* log_event("worker_died", "pid", "17", "signal", "9", NULL): pairs of name and
 * text, ended by NULL.  A NULL value is written as null. */
void log_event(const char *event, ...) __attribute__((sentinel));

/* The decimal text of n in one of four rotating static buffers: for log_event only. */
const char *log_number(long n);

#endif
