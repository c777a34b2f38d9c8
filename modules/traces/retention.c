/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * TuorRetention: traces and deliveries go when they are old enough. Each child removes a batch a second
 * while there is something to remove; the database sees to it that two never work at one organization.
 */
#include "traces.h"

#include <apr_lib.h>

APLOG_USE_MODULE(tuor_traces);

/* A batch holds its rows for some hundredths of a second, and everybody's ticks wait for it. */
#define BATCH 500
#define PAUSE apr_time_from_sec(60)
#define DAYS_MAX 36500

static const tuor_stmt retain = { "traces_retain", "SELECT tuor.retain($1, $2, $3)" };

/* When this child looks again; its ticker's thread alone uses it. */
static apr_time_t next_look;

const char *retention_set(cmd_parms *cmd, void *dummy, const char *arg)
{
    traces_server *conf = traces_server_of(cmd->server);
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_int64_t n;
    char *end;

    (void)dummy;
    if (err) {
        return err;
    }
    if (!ap_cstr_casecmp(arg, "none")) {
        conf->retention_days = 0;
        return NULL;
    }
    n = apr_strtoi64(arg, &end, 10);
    if (!apr_isdigit(*arg) || *end || n < 1 || n > DAYS_MAX) {
        return apr_psprintf(cmd->pool, "TuorRetention takes a number of days from 1 to %d, or none, not \"%s\"", DAYS_MAX, arg);
    }
    conf->retention_days = (int)n;
    return NULL;
}

void retention_tick(server_rec *s, apr_pool_t *pool)
{
    int days = traces_server_of(s)->retention_days;
    apr_time_t now = apr_time_now(), before;
    tuor_result *res;
    tuor_db *db;
    tuor_error *err;

    if (days <= 0 || now < next_look) {
        return;
    }
    before = now - apr_time_from_sec((apr_int64_t)days * 86400);
    next_look = now + PAUSE;
    err = tuor_db_begin_system(&db, s, NULL, TUOR_DB_EACH, pool);
    if (!err) {
        err = tuor_db_exec(&res, db, &retain, TUOR_ARGS(tuor_text(tuor_id_floor("trace", before, pool)),
                                                        tuor_text(tuor_id_floor("whd", before, pool)), tuor_int(BATCH)));
    }
    if (!err && !tuor_result_null(res, 0, 0)) {
        next_look = 0;
        if (tuor_result_int(res, 0, 0)) {
            ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, s, TUORNO(1400) "retention: %" APR_INT64_T_FMT " traces and deliveries removed",
                         tuor_result_int(res, 0, 0));
        }
    }
    tuor_db_end(db);
    if (err) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, s, TUORNO(1401) "retention waits: %s: %s", err->detail, err->cause ? err->cause : "");
    }
}
