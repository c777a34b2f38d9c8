/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file request.h
 * One request's way through the core.
 */
#ifndef TUOR_REQUEST_H
#define TUOR_REQUEST_H

#include "core.h"

/** The content handler. @return DECLINED for the requests of others, else OK */
int tuor_request_handle(request_rec *r);

#endif
