/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file managed.h
 * Projects that httpd.conf declares.
 */
#ifndef TUOR_PROJECTS_MANAGED_H
#define TUOR_PROJECTS_MANAGED_H

#include "mod_tuor.h"

/** Forget the sections of the last configuration; pre_config. */
void managed_reset(apr_pool_t *pconf);
/** The setter of <TuorProject>. */
const char *managed_section(cmd_parms *cmd, void *dummy, const char *arg);
/** Check what only the whole configuration can tell; check_config, and so configtest. */
int managed_check(apr_pool_t *pconf, server_rec *s);
void managed_child_init(apr_pool_t *pchild, server_rec *s);
/** Put the declared projects into the database, once a child; the tick hook. */
void managed_apply(server_rec *s, apr_pool_t *pool);

#endif
