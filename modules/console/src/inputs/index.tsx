// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// What the model was given: the left pane of the review screen. Keep one InputPane
// mounted from trace to trace (no key by trace): its PDF frame then stays warm.

import type { Project } from '../api.ts';
import { shown, type Json } from '../json.ts';

/** input: the trace's model_input. */
export function InputPane({ input }: { project: Project; input: Json; traceId: string }) {
    return <pre>{shown(input)}</pre>;
}

/** Makes the next trace ready, so that showing it takes no time. */
export function warmInput(_project: Project, _input: Json, _traceId: string): void {}

/** Looks for a value of the output in what is shown, and scrolls to it. Answers with the number of places. */
export function findInInput(_text: string): Promise<number> { return Promise.resolve(0); }
