/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/*
 * Registers the export formats. Another plugin may register more in the same group.
 */
#include "exporters.h"

#include <ap_provider.h>

static void register_hooks(apr_pool_t *pool)
{
    ap_register_provider(pool, TUOR_EXPORTER_GROUP, "jsonl", "1", &exporter_jsonl);
    ap_register_provider(pool, TUOR_EXPORTER_GROUP, "openai-sft", "1", &exporter_openai_sft);
    ap_register_provider(pool, TUOR_EXPORTER_GROUP, "openai-dpo", "1", &exporter_openai_dpo);
    ap_register_provider(pool, TUOR_EXPORTER_GROUP, "trl-dpo", "1", &exporter_trl_dpo);
    ap_register_provider(pool, TUOR_EXPORTER_GROUP, "csv", "1", &exporter_csv);
}

AP_DECLARE_MODULE(tuor_exporters) = {
    STANDARD20_MODULE_STUFF,
    NULL,                       /* create per-directory config */
    NULL,                       /* merge per-directory config */
    NULL,                       /* create per-server config */
    NULL,                       /* merge per-server config */
    NULL,                       /* directives */
    register_hooks,             /* register hooks */
    0                           /* flags */
};
