// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { ComponentChildren } from 'preact';
import type { WordChange } from '../diff.ts';
import './diff.css';

/** What was added is underlined, what was removed struck out; side: only what stood 'before' or stands 'after'. */
export function Diff({ changes, side }: { changes: readonly WordChange[]; side?: 'before' | 'after' }) {
    return (
        <span class="diff">
            {changes.map(({ kind, text }, at) => {
                if (kind === 'same') return text;
                if (side && (kind === 'added') !== (side === 'after')) return null;
                return kind === 'added' ? <ins key={at}>{visible(text)}</ins> : <del key={at}>{visible(text)}</del>;
            })}
        </span>
    );
}

/** A line end that came or went would not be seen. */
function visible(text: string): ComponentChildren {
    return text.split('\n').flatMap((line, at) => (at === 0 ? [line] : [<span class="end" aria-hidden="true" key={at}>↵</span>, `\n${line}`]));
}
