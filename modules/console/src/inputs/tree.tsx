// Licensed under the Apache License, Version 2.0; see LICENSE.

import { printJson, type Json } from '../json.ts';

export function JsonTree({ value, label }: { value: Json; label?: string }) {
    return <pre aria-label={label}>{printJson(value, 2)}</pre>;
}
