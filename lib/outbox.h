/* outbox.h -- the process that sends what leaves the house. */
#ifndef OUTBOX_H
#define OUTBOX_H

struct app;

/* Sends what is due, as app.work; returns the milliseconds until it wants to be called again.  Killed before it said what
 * became of something, another process sends that again. */
int outbox_work(struct app *app);

#endif
