/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/**
 * @file exporters.h
 * The export formats that come with Tuor: one provider a file.
 */
#ifndef TUOR_EXPORTERS_H
#define TUOR_EXPORTERS_H

#include "mod_tuor.h"

extern const tuor_exporter exporter_jsonl;

#endif
