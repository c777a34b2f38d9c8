// Licensed under the Apache License, Version 2.0; see LICENSE.
//
// Compares texts beside the screen's own thread.

import { compare } from './words.ts';

interface Question { id: number; before: string; after: string; by: 'words' | 'lines' }

addEventListener('message', ({ data }: MessageEvent<Question>) => {
    const pieces = compare(data.before, data.after, data.by);
    (postMessage as (message: unknown) => void)({ id: data.id, pieces });
});
