/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file console.h
 * What the files of the console plugin share: it serves the built front-end, and nothing of it knows the API.
 */
#ifndef TUOR_CONSOLE_H
#define TUOR_CONSOLE_H

#include "mod_tuor.h"

extern module AP_MODULE_DECLARE_DATA tuor_console_module;

/** SetHandler tuor-console */
#define CONSOLE_HANDLER "tuor-console"

/** Where the front-end lives. It is built for this path. */
#define CONSOLE_PATH "/console/"

/** Where browsers report what the policy forbade. */
#define CONSOLE_REPORT_PATH CONSOLE_PATH "csp-report"

/** What is asked for, below CONSOLE_PATH, decides about policy and caching. */
typedef enum {
    CONSOLE_PAGE,                       /**< index.html, for every route of the front-end, and errors */
    CONSOLE_ASSET,                      /**< assets/…: its name changes with its content */
    CONSOLE_PDF_WORKER,                 /**< assets/pdf.worker…: decodes images with WebAssembly */
    CONSOLE_PDF_FRAME                   /**< pdf.html: shows PDFs, in an origin of its own */
} console_kind;

/** Set the headers that go with every answer of this kind, errors included (headers.c). */
void console_headers(request_rec *r, console_kind kind);

/** GET: find the file and send it (serve.c). @param root the bundle's directory @param path below CONSOLE_PATH */
int console_serve(request_rec *r, const char *root, const char *path);

/** POST of a browser's report about the policy (report.c). */
int console_report(request_rec *r);
/** Make the figure of reports; in a tuor_hook_routes function. */
void console_report_open(void);

#endif
