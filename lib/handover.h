/* handover.h -- the handover document of a customer as a page. */
#ifndef HANDOVER_H
#define HANDOVER_H

#include "req.h"

/* Makes r's answer, the JSON of the document, the page.  What it does not know in it, it leaves out. */
void handover_page(struct req *r);

#endif
