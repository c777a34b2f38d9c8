/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * tuorctl: what an administrator does to the database without the server.
 *
 * It connects as the owner of the schema, whom row-level security does not bind; the server itself
 * runs as tuor_app, whom it does.
 */
#include "tuorctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>

/** Which options a command takes beside --json and --database. */
enum { WANTS_ORG = 1, WANTS_ROLE = 2, WANTS_NAME = 4, MAY_NAME = 8, MAY_ORG = 16, PRUNES = 32 };

typedef struct command {
    const char *noun, *verb;            /* verb NULL: the noun is all */
    const char *arg;                    /* what the argument is called; NULL for none */
    const char *value;                  /* what a second one is called */
    unsigned options;
    tuor_ctl_run *run;
    const char *synopsis, *help;
} command;

static const command commands[] = {
    { "migrate", NULL, NULL, NULL, 0, tuor_ctl_migrate,
      "migrate", "bring the schema up to date" },
    { "check", NULL, NULL, NULL, 0, tuor_ctl_check,
      "check", "is the database fit for the server? says what to do where it is not" },
    { "stats", NULL, NULL, NULL, 0, tuor_ctl_stats,
      "stats", "rows and bytes on disk of each table, and of a trace" },
    { "prune", NULL, NULL, NULL, MAY_ORG | PRUNES, tuor_ctl_prune,
      "prune --before DATE [--org ORG] [--status STATUS[,STATUS…]] [--dry-run]",
      "remove old traces and webhook deliveries; with --status only traces, deleted being a status" },
    { "org", "create", "NAME", NULL, 0, tuor_ctl_org_create,
      "org create NAME", "prints the id" },
    { "org", "list", NULL, NULL, 0, tuor_ctl_org_list,
      "org list", "id, state and name of each" },
    { "org", "suspend", "ORG", NULL, 0, tuor_ctl_org_suspend,
      "org suspend ORG", "refuse its keys and members, lose nothing" },
    { "org", "resume", "ORG", NULL, 0, tuor_ctl_org_resume,
      "org resume ORG", "and let them in again" },
    { "org", "limit", "ORG", "N|none", 0, tuor_ctl_org_limit,
      "org limit ORG N|none", "stored traces at most; none: TuorTraceLimit decides" },
    { "user", "add", "LOGIN", NULL, WANTS_ORG | WANTS_ROLE | MAY_NAME, tuor_ctl_user_add,
      "user add LOGIN --org ORG --role viewer|reviewer|admin [--name NAME]", "prints the user's id" },
    { "user", "list", NULL, NULL, WANTS_ORG, tuor_ctl_user_list,
      "user list --org ORG", "id, role, login and name of each member" },
    { "user", "remove", "LOGIN", NULL, WANTS_ORG, tuor_ctl_user_remove,
      "user remove LOGIN --org ORG", "never the last admin" },
    { "key", "create", NULL, NULL, WANTS_ORG | WANTS_NAME, tuor_ctl_key_create,
      "key create --org ORG --name NAME", "prints the API key, this once" },
    { "key", "list", NULL, NULL, WANTS_ORG, tuor_ctl_key_list,
      "key list --org ORG", "id, state, last four characters and name of each" },
    { "key", "revoke", "KEY_ID", NULL, WANTS_ORG, tuor_ctl_key_revoke,
      "key revoke KEY_ID --org ORG", "refused from the next request on" },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Reachable from here until the end, for leak checkers. */
static tuor_ctl ctl;

/* ------------------------------------------------------------------ errors */

void tuor_ctl_die(const char *fmt, ...)
{
    va_list ap;

    fflush(stdout);
    fputs("tuorctl: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

static void usage_error(const command *cmd, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));

static void usage_error(const command *cmd, const char *fmt, ...)
{
    va_list ap;

    fputs("tuorctl: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: tuorctl %s [--json] [--database URL]\n", cmd ? cmd->synopsis : "COMMAND …");
    if (!cmd)
        fputs("tuorctl --help lists the commands\n", stderr);
    exit(2);
}

static void help(void)
{
    size_t i;

    puts("usage: tuorctl COMMAND [--json] [--database URL]\n");
    for (i = 0; i < N_COMMANDS; i++)
        printf("  %s\n        %s\n", commands[i].synopsis, commands[i].help);
    puts("\n"
         "ORG is an id, or a name that only one organization has.\n"
         "\n"
         "  --database URL  the database, as its owner; default: the environment's TUOR_DATABASE_URL,\n"
         "                  else what libpq makes of PGHOST, PGDATABASE and so on\n"
         "  --json          print objects, one a line\n"
         "  --help, --version\n"
         "\n"
         "Exit status: 0 done, 1 failed (why stands on standard error), 2 wrongly called.");
}

/* ---------------------------------------------------------------- database */

static void no_notice(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

/* libpq's messages without their final line ends. */
static const char *trimmed(tuor_ctl *c, const char *message)
{
    apr_size_t len = message ? strlen(message) : 0;

    while (len && message[len - 1] == '\n')
        len--;
    return len ? apr_pstrmemdup(c->pool, message, len) : "out of memory";
}

static void connect_database(tuor_ctl *c)
{
    const char *url = c->database ? c->database : getenv("TUOR_DATABASE_URL");
    const char *names[] = { "dbname", "fallback_application_name", "client_encoding", "connect_timeout", NULL };
    const char *values[] = { url, "tuorctl", "UTF8", getenv("PGCONNECT_TIMEOUT") ? NULL : "10", NULL };

    /* What the URL says of the same keywords comes first in effect: libpq fills in the rest. */
    if (url && url[0]) {
        PQconninfoOption *opts, *o;
        char *why = NULL;
        if (!(opts = PQconninfoParse(url, &why)) && (strchr(url, '=') || strstr(url, "://")))
            tuor_ctl_die("the database's URL cannot be read: %s", trimmed(c, why));
        for (o = opts; o && o->keyword; o++)
            if (o->val && !strcmp(o->keyword, "connect_timeout"))
                values[3] = NULL;
        PQconninfoFree(opts);
        PQfreemem(why);
    }
    c->db = PQconnectdbParams(names, values, 1);
    if (!c->db || PQstatus(c->db) != CONNECTION_OK)
        tuor_ctl_die("%s\n  Name the database with --database or TUOR_DATABASE_URL (postgresql://user@/tuor?host=/dir).",
                     trimmed(c, c->db ? PQerrorMessage(c->db) : NULL));
    PQsetNoticeReceiver(c->db, no_notice, NULL);
    /* Nobody else's objects may stand in for the catalogue's. */
    tuor_ctl_exec(c, "SELECT pg_catalog.set_config('search_path', '', false)");
}

/* To a role that row-level security binds, every table looks empty: say so instead. */
static void require_owner(tuor_ctl *c)
{
    PGresult *res = tuor_ctl_query(c, "SELECT row_security_active('tuor.organizations')", TUOR_CTL_NO_VALUES);

    if (PQgetvalue(res, 0, 0)[0] == 't')
        tuor_ctl_die("%s is not the owner of the Tuor schema: connect as the role that ran tuorctl migrate",
                     PQuser(c->db));
    PQclear(res);
}

/* A sentence for the errors that an administrator can do something about. */
static void query_failed(tuor_ctl *c, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);

    if (!state || !text)
        tuor_ctl_die("the database does not answer: %s", trimmed(c, PQerrorMessage(c->db)));
    if (!strcmp(state, "42P01") || !strcmp(state, "3F000"))
        tuor_ctl_die("the database has no Tuor schema, or an old one: run tuorctl migrate");
    if (!strcmp(state, "42501"))
        tuor_ctl_die("%s: connect as the owner of the database, not as %s", text, PQuser(c->db));
    tuor_ctl_die("the database refused (%s): %s", state, text);
}

PGresult *tuor_ctl_query(tuor_ctl *c, const char *sql, int n, const char *const *values)
{
    PGresult *res = PQexecParams(c->db, sql, n, NULL, values, NULL, NULL, 0);

    if (PQresultStatus(res) != PGRES_TUPLES_OK && PQresultStatus(res) != PGRES_COMMAND_OK)
        query_failed(c, res);
    return res;
}

void tuor_ctl_exec(tuor_ctl *c, const char *sql)
{
    PQclear(tuor_ctl_query(c, sql, TUOR_CTL_NO_VALUES));
}

const char *tuor_ctl_value(tuor_ctl *c, const PGresult *res, int row, int col)
{
    return PQgetisnull(res, row, col) ? NULL : apr_pstrdup(c->pool, PQgetvalue(res, row, col));
}

/* ------------------------------------------------------------ in and out */

void tuor_ctl_text_check(const char *what, const char *text, apr_size_t max)
{
    const unsigned char *p;
    apr_size_t characters = 0;
    json_t *utf8 = json_string(text);   /* NULL for what is no UTF-8 */

    if (!utf8)
        tuor_ctl_die("the %s is not UTF-8", what);
    json_decref(utf8);
    for (p = (const unsigned char *)text; *p; p++) {
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
            tuor_ctl_die("the %s has a control character", what);
        characters += (*p & 0xc0) != 0x80;
    }
    if (!characters || characters > max)
        tuor_ctl_die("the %s has %lu characters; 1 to %lu are allowed", what,
                     (unsigned long)characters, (unsigned long)max);
}

void tuor_ctl_print(json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    if (!text)
        tuor_ctl_die("the answer cannot be written as JSON: is the database's encoding UTF8?");
    puts(text);
    free(text);
    json_decref(object);
}

void tuor_ctl_print_rows(const PGresult *res)
{
    const Oid boolean = 16, bigint = 20;
    int row, col;

    for (row = 0; row < PQntuples(res); row++) {
        json_t *object = json_object();
        for (col = 0; col < PQnfields(res); col++) {
            const char *text = PQgetvalue(res, row, col);
            json_object_set_new(object, PQfname(res, col),
                                PQgetisnull(res, row, col) ? json_null()
                                : PQftype(res, col) == boolean ? json_boolean(text[0] == 't')
                                : PQftype(res, col) == bigint ? json_integer(strtoll(text, NULL, 10))
                                : json_string(text));
        }
        tuor_ctl_print(object);
    }
}

/* --------------------------------------------------------------- arguments */

/* The value of --option VALUE or --option=VALUE, or NULL when arg is another option. */
static const char *option_value(const char *option, int *i, int argc, const char *const *argv, const command *cmd)
{
    const char *arg = argv[*i];
    size_t len = strlen(option);

    if (strncmp(arg, option, len) || (arg[len] && arg[len] != '='))
        return NULL;
    if (arg[len])
        return arg + len + 1;
    if (*i + 1 >= argc)
        usage_error(cmd, "%s wants a value", option);
    return argv[++*i];
}

static const command *find_command(const char *noun, const char *verb)
{
    const command *near = NULL;
    size_t i;

    for (i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].noun, noun))
            continue;
        near = &commands[i];
        if (!near->verb || (verb && !strcmp(near->verb, verb)))
            return near;
    }
    if (!near)
        usage_error(NULL, "there is no command \"%s\"", noun);
    if (verb)
        usage_error(NULL, "there is no command \"%s %s\"", noun, verb);
    usage_error(NULL, "%s wants a verb", noun);
}

/* Is the word a whole command? */
static int stands_alone(const char *noun)
{
    size_t i;

    for (i = 0; i < N_COMMANDS; i++)
        if (!commands[i].verb && !strcmp(commands[i].noun, noun))
            return 1;
    return 0;
}

/* Noun, verb and two arguments. */
#define WORDS_MAX 4

static int words_of(const command *cmd)
{
    return 1 + (cmd->verb != NULL) + (cmd->arg != NULL) + (cmd->value != NULL);
}

static const command *parse(tuor_ctl *c, int argc, const char *const *argv)
{
    const char *words[WORDS_MAX];
    const command *cmd = NULL;
    int n = 0, only_words = 0, extra, i;

    /* Words first, so that a complaint about an option can show the right usage. */
    for (i = 1; i < argc; i++) {
        const char *value;
        if (only_words || argv[i][0] != '-' || !argv[i][1]) {
            if (n == WORDS_MAX || (cmd && n == words_of(cmd)))
                usage_error(cmd, "\"%s\" is one argument too many", argv[i]);
            words[n++] = argv[i];
            if (n == 1 && stands_alone(argv[i]))
                cmd = find_command(words[0], NULL);
            else if (n == 2)
                cmd = find_command(words[0], words[1]);
        }
        else if (!strcmp(argv[i], "--"))
            only_words = 1;
        else if (!strcmp(argv[i], "--json"))
            c->json = 1;
        else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            help();
            exit(0);
        }
        else if (!strcmp(argv[i], "--version")) {
            puts("tuorctl " TUOR_VERSION);
            exit(0);
        }
        else if ((value = option_value("--database", &i, argc, argv, cmd)))
            c->database = value;
        else if ((value = option_value("--org", &i, argc, argv, cmd)))
            c->org = value;
        else if ((value = option_value("--role", &i, argc, argv, cmd)))
            c->role = value;
        else if ((value = option_value("--name", &i, argc, argv, cmd)))
            c->name = value;
        else if ((value = option_value("--before", &i, argc, argv, cmd)))
            c->before = value;
        else if ((value = option_value("--status", &i, argc, argv, cmd)))
            c->status = value;
        else if (!strcmp(argv[i], "--dry-run"))
            c->dry_run = 1;
        else
            usage_error(cmd, "there is no option %s", argv[i]);
    }
    if (!n)
        usage_error(NULL, "what shall be done?");
    if (!cmd)
        cmd = find_command(words[0], NULL);

    extra = 1 + (cmd->verb != NULL);
    if (cmd->arg && n <= extra)
        usage_error(cmd, "%s is missing", cmd->arg);
    c->arg = cmd->arg ? words[extra] : NULL;
    if (cmd->value && n < words_of(cmd))
        usage_error(cmd, "%s is missing", cmd->value);
    c->value = cmd->value ? words[extra + 1] : NULL;
    if (!(cmd->options & MAY_ORG) && !c->org != !(cmd->options & WANTS_ORG))
        usage_error(cmd, c->org ? "--org does not belong here" : "--org is missing");
    if (!c->role != !(cmd->options & WANTS_ROLE))
        usage_error(cmd, c->role ? "--role does not belong here" : "--role is missing");
    if (!c->name && (cmd->options & WANTS_NAME))
        usage_error(cmd, "--name is missing");
    if (c->name && !(cmd->options & (WANTS_NAME | MAY_NAME)))
        usage_error(cmd, "--name does not belong here");
    if (!c->before && (cmd->options & PRUNES))
        usage_error(cmd, "--before is missing");
    if ((c->before || c->status || c->dry_run) && !(cmd->options & PRUNES))
        usage_error(cmd, "%s does not belong here", c->before ? "--before" : c->status ? "--status" : "--dry-run");
    if (c->role && strcmp(c->role, "viewer") && strcmp(c->role, "reviewer") && strcmp(c->role, "admin"))
        usage_error(cmd, "\"%s\" is no role: viewer, reviewer or admin", c->role);
    return cmd;
}

int main(int argc, const char *const *argv)
{
    const command *cmd;
    int status;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&ctl.pool, NULL);
    cmd = parse(&ctl, argc, argv);
    connect_database(&ctl);
    if (cmd->verb || cmd->run == tuor_ctl_prune)
        require_owner(&ctl);
    status = cmd->run(&ctl);
    PQfinish(ctl.db);
    /* A key that a full disk swallowed must not look delivered. */
    if (fflush(stdout) || ferror(stdout)) {
        fputs("tuorctl: standard output cannot be written\n", stderr);
        status = 1;
    }
    return status;
}
