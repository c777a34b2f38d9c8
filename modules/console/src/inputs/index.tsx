// Licensed under the Apache License, Version 2.0; see LICENSE.

import type { Project } from '../api.ts';
import { member, textOf, type Json } from '../json.ts';
import { JsonTree } from './tree.tsx';

export { JsonTree } from './tree.tsx';

export function InputPane({ input }: { project: Project; input: Json; traceId: string }) {
    return <div class="stack"><pre>{textOf(member(input, 'content')) ?? ''}</pre><JsonTree value={input} /></div>;
}
export function warmInput(_project: Project, _input: Json, _traceId: string): void {}
export function findInInput(_text: string): void {}
