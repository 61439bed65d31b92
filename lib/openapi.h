/* openapi.h -- a program's routes as a part of an OpenAPI 3.1 document. */
#ifndef OPENAPI_H
#define OPENAPI_H

#include "app.h"

/* Prints the members of "paths", separated by commas, without the braces around them. */
void openapi_print(const struct route *routes);

#endif
