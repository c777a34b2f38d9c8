/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * What browsers are told about the console's pages. Payloads are written by strangers: should one ever
 * get past the front-end as markup, then nothing of it may run, load or leave.
 */
#include "console.h"

APLOG_USE_MODULE(tuor_console);

#define REPORT "report-uri " CONSOLE_REPORT_PATH

/*
 * The one Trusted Types policy is for the URL of a worker: without it pdf.js would read PDFs in the page's own
 * thread. Another policy has to be named here to be created at all.
 */
#define TRUSTED_TYPES "require-trusted-types-for 'script'; trusted-types tuor-worker"

static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self'; font-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'; " TRUSTED_TYPES "; " REPORT;

/* A worker is bound by the policy of its own script. JPEG 2000, in scans, is decoded by WebAssembly. */
static const char worker_policy[] =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; " REPORT;

/*
 * PDFs are shown in a frame without an origin (sandbox): what a PDF might do to pdf.js finds no session, no API
 * and no page there. The frame's bytes come by postMessage. A document without an origin may start workers from
 * blob: alone (classic ones, that import() the script), and those inherit its policy: hence WebAssembly here.
 */
static const char frame_policy[] =
    "sandbox allow-scripts; default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; font-src 'self'; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'; " TRUSTED_TYPES "; " REPORT;

static const char permissions[] =
    "accelerometer=(), autoplay=(), browsing-topics=(), camera=(), display-capture=(), encrypted-media=(), "
    "geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), "
    "publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), xr-spatial-tracking=()";

static const char *policy_of(console_kind kind)
{
    return kind == CONSOLE_PDF_FRAME ? frame_policy : kind == CONSOLE_PDF_WORKER ? worker_policy : page_policy;
}

void console_headers(request_rec *r, console_kind kind)
{
    apr_table_t *h = r->err_headers_out;        /* those go with errors, too */
    int frame = kind == CONSOLE_PDF_FRAME, shared = frame || kind == CONSOLE_ASSET || kind == CONSOLE_PDF_WORKER;

    apr_table_setn(h, "Content-Security-Policy", policy_of(kind));
    apr_table_setn(h, "X-Content-Type-Options", "nosniff");
    apr_table_setn(h, "X-Frame-Options", frame ? "SAMEORIGIN" : "DENY");
    apr_table_setn(h, "Referrer-Policy", "no-referrer");
    apr_table_setn(h, "Permissions-Policy", permissions);
    apr_table_setn(h, "Cross-Origin-Opener-Policy", "same-origin");
    /* The frame has no origin, and so fetches the assets as a stranger. They are the same for everybody. */
    apr_table_setn(h, "Cross-Origin-Resource-Policy", shared ? "cross-origin" : "same-origin");
    if (kind == CONSOLE_ASSET || kind == CONSOLE_PDF_WORKER) {
        apr_table_setn(h, "Access-Control-Allow-Origin", "*");
    }
    if (!strcmp(ap_run_http_scheme(r), "https")) {
        apr_table_setn(h, "Strict-Transport-Security", "max-age=31536000");
    }
}
